/** The names that `import … from "sonde"` gives, by where they may be used. A test holds them against the declarations. */

/** Functions that take a handler. */
export const registrations = ["uprobe", "uretprobe", "usdt", "tracepoint", "interval", "profile"] as const;
export type Registration = (typeof registrations)[number];

/** Types as values. Legal in handlers: to convert, and to say what `read` reads. */
const types = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f64", "bool", "cstring", "bytes", "comm", "func", "stack", "struct"] as const;

/** What a handler may call. */
const calls = ["print", "hex", "duration", "sym", "show", "clear", "exit", "str", "buf", "read"] as const;

/** What only the host may call. */
const host = [
  "count",
  "sum",
  "avg",
  "min",
  "max",
  "stats",
  "hist",
  "lhist",
  "stacks",
  "hash",
  "array",
  "variable",
  "param",
  "events",
  ...registrations,
  "begin",
  "end",
  "intercept",
  "open",
  "SondeError",
] as const;

export const vocabulary: readonly string[] = [...types, ...calls, ...host];

const inHandlers: ReadonlySet<string> = new Set([...types, ...calls]);

export function isHandlerVocabulary(name: string): boolean {
  return inHandlers.has(name);
}

export function isRegistration(name: string): name is Registration {
  return (registrations as readonly string[]).includes(name);
}
