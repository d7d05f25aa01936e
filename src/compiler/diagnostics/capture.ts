/** Names from outside that a handler uses: which it may, and what to do about the others. */
import { error, type Place } from "./place.ts";

export const capturedLet = (at: Place, name: string) =>
  error("SONDE_C_CAPTURED_LET", at, {
    message: `${name} changes, so a handler can't use it`,
    cause: "What a handler takes from outside becomes a constant when the probes are armed.",
    mend: `Declare it with const; or, to change it while probes run: const ${name} = variable(u64, 0), with ${name}.get() and ${name}.set(…).`,
  });

export const capturedAssignment = (at: Place, name: string) =>
  error("SONDE_C_CAPTURED_ASSIGNMENT", at, {
    message: `a handler can't assign to ${name}, which belongs to the host`,
    cause: "The handler runs in the probed program's thread and shares no variables with the script.",
    mend: `Count with const ${name} = count() and ${name}.add(); or share a value: const ${name} = variable(u64, 0), with ${name}.set(…).`,
  });

export const capturedInstance = (at: Place, name: string, what: string) =>
  error("SONDE_C_CAPTURED_INSTANCE", at, {
    message: `${name} is a ${what}, which a handler can't use`,
    cause: "A handler may take integers, booleans, texts, plain objects and arrays of these, and what the vocabulary makes.",
    mend:
      what === "Map" || what === "Set"
        ? `Use const ${name} = hash(…), filled by the host: begin(() => ${name}.set(key, value)).`
        : "Take what the handler needs of it into a const before.",
  });

export const capturedClass = (at: Place, name: string) =>
  error("SONDE_C_CAPTURED_CLASS", at, { message: `${name} is a class, which a handler can't use`, mend: "Use struct({ … }) for data, and functions." });

export const capturedEnum = (at: Place, name: string) =>
  error("SONDE_C_CAPTURED_ENUM", at, {
    message: `${name} is an enum, which a handler can't use`,
    cause: "Enums aren't erasable syntax: they would need code of their own.",
    mend: `Write const ${name} = { A: 0, B: 1 } as const.`,
  });

export const capturedNamespace = (at: Place, name: string) =>
  error("SONDE_C_CAPTURED_NAMESPACE", at, { message: `${name} is a module, not a value`, mend: `Use one of its names: ${name}.something.` });

export const captureHidden = (at: Place, name: string) =>
  error("SONDE_C_CAPTURE_HIDDEN", at, {
    message: `${name} isn't visible where the handler is registered`,
    cause: "A helper's names from outside are read where the handler is given to the probe.",
    mend: `Move the helper function or ${name} to the top level, or hand ${name} to the helper as an argument.`,
  });

export const hostGlobal = (at: Place, name: string) =>
  error("SONDE_C_HOST_GLOBAL", at, {
    message: `${name} belongs to the host: a handler can't use it`,
    cause: "A handler runs in the probed program's thread, without Node.",
    mend: name === "console" ? "Write print`…`." : `Take what is needed into a const outside the handler: const value = ${name}….`,
  });

export const hostGlobals: { readonly [name: string]: string } = {
  Date: "Use c.time (monotonic nanoseconds).",
  Math: "Math.min, max, abs, trunc and clz32 may be called.",
  JSON: "Emit an event: the host gets it as an object.",
  Infinity: "Write the largest number that is meant.",
  NaN: "An integer always has a value.",
  setTimeout: 'Use interval("1s", …).',
  setInterval: 'Use interval("1s", …).',
};

export const noGlobal = (at: Place, name: string, mend: string) =>
  error("SONDE_C_HOST_GLOBAL", at, {
    message: `${name} belongs to the host: a handler can't use it`,
    cause: "A handler runs in the probed program's thread, without Node.",
    mend,
  });

export const mathRandom = (at: Place) =>
  error("SONDE_C_RANDOM", at, {
    message: "Math.random doesn't run in a handler",
    cause: "A handler gives the same result for the same hit, in every engine.",
    mend: "To take a sample, use what the hit brings: if ((c.time & 0xff) !== 0) return;",
  });

export const noMath = (at: Place, name: string) =>
  error("SONDE_C_MATH", at, {
    message: `Math.${name} doesn't run in a handler`,
    cause: "A handler's numbers are 64-bit integers.",
    mend: "Math.min, max, abs, trunc, clz32, floor, ceil and round may be called.",
  });

export const hostCall = (at: Place, name: string) =>
  error("SONDE_C_HOST_CALL", at, {
    message: `${name} is the host's: a handler can't call it`,
    cause: "A handler calls the vocabulary, and functions whose source is here.",
    mend: "Emit an event or print, and let the host do the rest; or call it outside and keep the result in a const.",
  });

export const hostVocabulary = (at: Place, name: string) =>
  error("SONDE_C_HOST_VOCABULARY", at, {
    message: `${name}() is called by the host, at the top level of the script`,
    cause: "Maps, aggregates, parameters and probes are made before the probes are armed.",
    mend: `Move it out of the handler: const value = ${name}(…).`,
  });

export const hostMethod = (at: Place, name: string, owner: string) =>
  error("SONDE_C_HOST_METHOD", at, {
    message: `\`${name}()\` is the host's: a handler can't call it`,
    cause: "What the host reads is merged from all CPUs, which a probe can't wait for.",
    mend:
      name === "clear"
        ? "A handler asks for it: `clear(map)`."
        : name === "on"
          ? "Register listeners outside of handlers."
          : /map|array|hash/i.test(owner)
            ? "A handler reads a map's value with `get(key)`."
            : "To read a value in a handler keep it in `variable()` or `hash()`, and use `get()`.",
  });

export const mapIteration = (at: Place, name: string) =>
  error("SONDE_C_MAP_ITERATION", at, {
    message: `a handler can't iterate over ${name}`,
    cause: "A handler must end after a known number of steps, and a map may grow.",
    mend: `Iterate on the host: interval or setInterval with for (const [key, value] of ${name}); or look one key up with get(key).`,
  });

export const handlerMethod = (at: Place, name: string) =>
  error("SONDE_C_HANDLER_METHOD", at, {
    message: `${name}() is the handler's: the host can't call it`,
    cause: "The handler sees numbers; the host reads 64-bit integers as bigint, by names of its own.",
    mend: name === "get" ? "Write read(…) here." : name === "add" || name === "at" || name === "emit" ? "Call it in a handler." : "Write set(…) here.",
  });
