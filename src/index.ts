/**
 * sonde as a library: `open()` arms a script's probes from any program. The vocabulary's types are here too, for programs that build
 * schemas or compare with them; what makes probes and maps works in scripts alone, and says so elsewhere.
 */
import { SondeError } from "./errors/error.ts";
import type { OpenOptions, Session } from "./session/open.ts";
import { schemas } from "./session/vocabulary/schemas.ts";

export { SondeError } from "./errors/error.ts";
export type { OpenOptions, Session } from "./session/open.ts";
export type { Summary } from "./session/summary.ts";

export const { u8, u16, u32, u64, i8, i16, i32, i64, f64, bool, comm, func, stack, cstring, bytes, struct } = schemas;

/** Arms a script's probes; resolves when they are in, and before anything is delivered. What it takes to do so is loaded now. */
export async function open(script: string | { readonly href: string }, options: OpenOptions = {}): Promise<Session> {
  const session = await import("./session/open.ts");
  return await session.open(script, options);
}

const scriptOnly = (name: string) => (): never => {
  throw new SondeError("SONDE_SCRIPT_ONLY", `${name}() works in a script that sonde runs`, {
    mend: 'Put it into a file of its own and run that: `sonde run FILE.ts`, or open("./FILE.ts") from this program.',
  });
};

export const count = scriptOnly("count"),
  sum = scriptOnly("sum"),
  avg = scriptOnly("avg"),
  min = scriptOnly("min"),
  max = scriptOnly("max");
export const stats = scriptOnly("stats"),
  hist = scriptOnly("hist"),
  lhist = scriptOnly("lhist"),
  stacks = scriptOnly("stacks");
export const hash = scriptOnly("hash"),
  array = scriptOnly("array"),
  variable = scriptOnly("variable"),
  param = scriptOnly("param"),
  events = scriptOnly("events");
export const print = scriptOnly("print"),
  hex = scriptOnly("hex"),
  duration = scriptOnly("duration"),
  sym = scriptOnly("sym");
export const show = scriptOnly("show"),
  clear = scriptOnly("clear"),
  exit = scriptOnly("exit");
export const str = scriptOnly("str"),
  buf = scriptOnly("buf"),
  read = scriptOnly("read");
export const uprobe = scriptOnly("uprobe"),
  uretprobe = scriptOnly("uretprobe"),
  usdt = scriptOnly("usdt"),
  tracepoint = scriptOnly("tracepoint");
export const interval = scriptOnly("interval"),
  profile = scriptOnly("profile"),
  begin = scriptOnly("begin"),
  end = scriptOnly("end"),
  intercept = scriptOnly("intercept");
