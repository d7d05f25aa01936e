/** The vocabulary's registrations: a probe's targets are resolved when it is registered, and armed with all others. */
import { SondeError } from "../../errors/error.ts";
import { kindOf } from "../../symbols/resolve-probe.ts";
import type { InterceptHandlers } from "../intercept/host-calls.ts";
import type { RegisteredProbe } from "../probe.ts";
import { Registration } from "../registration.ts";
import type { Scope, Wanted } from "../scope.ts";

interface Options {
  readonly pids: readonly number[] | undefined;
  readonly optional: boolean;
}

function targetsOf(what: string, target: unknown): readonly string[] {
  const list = Array.isArray(target) ? target : [target];
  if (list.length === 0) throw new SondeError("SONDE_TARGET", `${what}: the list of targets is empty`);
  for (const text of list)
    if (typeof text !== "string")
      throw new SondeError("SONDE_TARGET", `${what}: a target is a text such as "libc:malloc", this is ${text === undefined ? "undefined" : typeof text}`);
  return list as string[];
}

function optionsOf(what: string, options: unknown): Options {
  if (options === undefined) return { pids: undefined, optional: false };
  if (typeof options !== "object" || options === null) throw new SondeError("SONDE_OPTION", `${what}: the options are an object`);
  for (const name of Object.keys(options))
    if (name !== "pid" && name !== "optional")
      throw new SondeError("SONDE_OPTION", `${what}: there is no option ${name}`, { mend: "The options are: pid, optional." });
  const { pid, optional } = options as { readonly pid?: unknown; readonly optional?: unknown };
  if (optional !== undefined && typeof optional !== "boolean") throw new SondeError("SONDE_OPTION", `${what}: optional is true or false`);
  const pids = pid === undefined ? undefined : Array.isArray(pid) ? pid : [pid];
  for (const one of pids ?? [])
    if (!(typeof one === "number" && Number.isInteger(one) && one > 0))
      throw new SondeError("SONDE_OPTION", `${what}: pid is ${String(one)}: it is a process id or several`);
  return { pids: pids as readonly number[] | undefined, optional: optional === true };
}

/** What the loader put in the place of a handler. */
function registrationOf(what: string, handler: unknown): Registration {
  if (handler instanceof Registration) return handler;
  throw new SondeError("SONDE_HANDLER", `${what}: the handler wasn't compiled`, {
    why: "handlers are compiled where the call stands in a script that sonde runs",
    mend: "Register probes in the script or in a TypeScript module that it imports by a relative path, and write the handler in the call.",
  });
}

type Name = Parameters<typeof kindOf>[0];

function wantedOf(name: Name, target: unknown, options: unknown): Wanted {
  const targets = targetsOf(`${name}()`, target);
  const what = `${name}(${JSON.stringify(targets[0])})`;
  return { what, kind: kindOf(name), targets, ...optionsOf(what, options) };
}

/** Host code: any function will do. */
function interceptHandlersOf(what: string, handlers: unknown): InterceptHandlers {
  const refuse = (message: string): never => {
    throw new SondeError("SONDE_HANDLER", `${what}: ${message}`, { mend: "Give { enter: (c) => …, leave: (c, at) => … }, or one of the two." });
  };
  if (typeof handlers !== "object" || handlers === null) return refuse("the handlers are an object with enter, leave or both");
  const entries = Object.entries(handlers).filter(([, run]) => run !== undefined);
  for (const [name, run] of entries) {
    if (name !== "enter" && name !== "leave") return refuse(`there is no handler ${name}`);
    if (typeof run !== "function") return refuse(`${name} is no function`);
  }
  return entries.length === 0 ? refuse("there is neither enter nor leave") : (Object.fromEntries(entries) as InterceptHandlers);
}

export function probeVocabulary(scope: Scope) {
  const register =
    (name: Name) =>
    (target: unknown, handler: unknown, options?: unknown): RegisteredProbe => {
      const wanted = wantedOf(name, target, options);
      return scope.register(registrationOf(wanted.what, handler), wanted);
    };
  const intercept = (target: unknown, handlers: unknown, options?: unknown): RegisteredProbe => {
    const wanted = wantedOf("intercept", target, options);
    return scope.intercept(interceptHandlersOf(wanted.what, handlers), wanted);
  };
  const hook =
    (name: string, list: (() => unknown)[]) =>
    (run: unknown): void => {
      if (typeof run !== "function") throw new SondeError("SONDE_OPTION", `${name}() takes a function`);
      list.push(run as () => unknown);
    };
  return {
    uprobe: register("uprobe"),
    uretprobe: register("uretprobe"),
    usdt: register("usdt"),
    tracepoint: register("tracepoint"),
    interval: register("interval"),
    profile: register("profile"),
    intercept,
    begin: hook("begin", scope.begins),
    end: hook("end", scope.ends),
    param: (name: unknown, otherwise: unknown, help?: unknown) => scope.params.declare(name, otherwise, help),
  };
}
