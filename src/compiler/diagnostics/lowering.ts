/** The back end's diagnostics: kinds, widths, bounds, sinks. One factory for each code. */
import { error, type Place, warning } from "./place.ts";

// What the front end can see too has its one factory there.
export { capturedAssignment, hostMethod } from "./capture.ts";
export { bigintArithmetic, floatOperand, recursion } from "./syntax.ts";
export { noMember, noParameter, noStaticArgument, voidResult } from "./types.ts";

export const notAnInteger = (at: Place, what: string) =>
  error("SONDE_C_NOT_INTEGER", at, {
    message: `an integer is needed here, and this is ${what}`,
    mend: what === "a boolean" ? "`Number(b)` gives 0 or 1." : what.startsWith("an enumerator") ? "`i32(e)` gives its number." : "Read or convert it first.",
  });
export const mixedDivision = (at: Place, op: string) =>
  error("SONDE_C_MIXED_SIGNS", at, {
    message: `\`${op}\` of an unsigned and a possibly negative integer`,
    cause: "The result would depend on which of the two readings is meant.",
    mend: "Convert one side: `i64(x)` or `u64(x)`.",
  });
export const mixedKinds = (at: Place, name: string) =>
  error("SONDE_C_MIXED_KINDS", at, {
    message: `${name} is a signed integer on one way and an unsigned one on another`,
    cause: "It has one kind for its life, and comparisons and divisions depend on it.",
    mend: "Convert one side: `i64(x)` or `u64(x)`.",
  });
export const noJoin = (at: Place, a: string, b: string) =>
  error("SONDE_C_NO_JOIN", at, { message: `this is ${a} on one way and ${b} on another`, mend: "Make both ways give the same kind of value." });
export const powerNotConstant = (at: Place) =>
  error("SONDE_C_POWER", at, {
    message: "`**` needs constants on both sides",
    cause: "There is no such instruction; only a constant power is computed, in advance.",
    mend: "A power of two is a shift: `1 << n`.",
  });
export const powerTooLarge = (at: Place) =>
  error("SONDE_C_POWER_RANGE", at, { message: "this power doesn't fit into 64 bits", mend: "Use a smaller exponent." });
export const integerTooLarge = (at: Place, text: string) =>
  error("SONDE_C_INTEGER_RANGE", at, { message: `${text} isn't a 64-bit integer that a number can hold exactly`, mend: "Beyond 2^53 write `u64(0x…n)`." });
export const textConcatenation = (at: Place) =>
  error("SONDE_C_CONCAT", at, { message: "texts can't be joined in a handler", mend: "Print them side by side, or use both as a tuple key: `[a, b]`." });
export const textOrder = (at: Place, op: string) =>
  error("SONDE_C_TEXT_ORDER", at, {
    message: `\`${op}\` of texts isn't there`,
    mend: "Texts can be compared by `===`, `startsWith`, `endsWith` and `includes`.",
  });
export const notComparable = (at: Place, a: string, b: string) =>
  error("SONDE_C_COMPARE", at, {
    message: `${a} can't be compared with ${b}`,
    mend: a === "bytes" || b === "bytes" ? "Bytes have `equals`." : "Compare a field, or use both as keys.",
  });
export const alwaysComparison = (at: Place, result: boolean, why: string) =>
  warning("SONDE_C_ALWAYS", at, {
    message: `this comparison is always ${result}`,
    cause: why,
    mend: result ? "Leave it out." : "What depends on it never runs.",
  });
export const alwaysCut = (at: Place, length: number, max: number) =>
  warning("SONDE_C_ALWAYS_CUT", at, {
    message: `this text has ${length} bytes, and only ${max} fit: it is always cut`,
    mend: `Use cstring(${length}), or a shorter text.`,
  });
export const neverEqualText = (at: Place, length: number, max: number) =>
  warning("SONDE_C_NEVER_EQUAL", at, {
    message: `this text has ${length} bytes and the other side at most ${max}: they are never equal`,
    mend: "Compare with `startsWith`, or read more of it.",
  });
export const structTruth = (at: Place, what: string) =>
  warning("SONDE_C_ALWAYS_TRUE", at, { message: `${what} is always true`, mend: "Test one of its fields, or compare with undefined." });
export const lostUpdate = (at: Place, map: string) =>
  warning("SONDE_C_LOST_UPDATE", at, {
    message: `\`${map}.set(k, ${map}.get(k) + …)\` loses updates when two CPUs do it at once`,
    mend: `Make ${map} a hash of sum() or count(), and \`${map}.at(k).add(n)\`.`,
  });
export const undefinedSink = (at: Place) =>
  warning("SONDE_C_UNDEFINED_SINK", at, { message: "this is always undefined, so nothing is recorded", mend: "Give a value." });
export const noArguments = (at: Place) =>
  error("SONDE_C_ARGUMENT_AT_RETURN", at, {
    message: "a function's arguments are gone at its return",
    mend: "Carry them from the entry: `{ enter: (c) => c.arg0, leave: (c, at) => … }`.",
  });
export const noResult = (at: Place) =>
  error("SONDE_C_RESULT_AT_ENTRY", at, { message: "there is no result yet at a function's entry", mend: "Use uretprobe, or `{ enter, leave }`." });
export const differingArgument = (at: Place, name: string) =>
  error("SONDE_C_ARGUMENT_DIFFERS", at, {
    message: `\`${name}\` isn't the same parameter in all targets of this probe`,
    mend: "Register the targets one by one, or use `c.arg0`, `c.arg1`, …",
  });
/** `engine` has it: with `--engine auto` it is taken then. */
export const engineLacks = (at: Place, what: string, engine: "breakpoint" | "kernel") => ({
  ...error("SONDE_C_ENGINE", at, {
    message: `${what} can't be had on this engine`,
    mend: `The engine ${engine} has it: --engine ${engine}.`,
  }),
  needs: { engine, what },
});
export const needsUnsafe = (at: Place, what: string) =>
  error("SONDE_C_UNSAFE", at, { message: `\`${what}\` changes the target`, mend: "Run with --unsafe (in the library `unsafe: true`) if that is meant." });
export const unbounded = (at: Place) =>
  error("SONDE_C_UNBOUNDED_LOOP", at, {
    message: "no bound of this loop can be found",
    cause: "A probe must end: the kernel accepts loops only if they surely do.",
    mend: "Count along, by a constant bound: `for (let i = 0; i < 64 && …; i++)`.",
  });
export const loopTooLong = (at: Place, bound: bigint, max: number) =>
  error("SONDE_C_LOOP_TOO_LONG", at, {
    message: `this loop may run ${bound} times, and ${max} are allowed`,
    cause: "The kernel walks every round before it accepts a program.",
    mend: "Use a smaller bound.",
  });
export const notConstant = (at: Place, what: string) =>
  error("SONDE_C_NOT_CONSTANT", at, { message: `${what} must be a constant`, mend: "Write a number, or capture a `const` or a `param()`." });
export const outOfLimits = (at: Place, what: string, min: number, max: number) =>
  error("SONDE_C_LIMITS", at, { message: `${what} must lie between ${min} and ${max}`, mend: "Choose a size within." });
export const captureInvalid = (at: Place, name: string, why: string) =>
  error("SONDE_C_CAPTURE", at, {
    message: `\`${name}\` can't be used in a handler: it is ${why}`,
    cause: "A handler runs in the probe; it can use constants, maps and functions, not the host's objects.",
    mend: "Use a constant, a map, or `variable()` for what changes.",
  });
export const notAssignable = (at: Place, what: string) =>
  error("SONDE_C_ASSIGN", at, { message: `${what} can't be assigned`, mend: "Assign a local, a field of an entry, or use `set`." });
export const contextAssigned = (at: Place, name: string) =>
  error("SONDE_C_CONTEXT_ASSIGNED", at, {
    message: `\`${name}\` of the context can't be assigned`,
    mend: "Arguments, results, registers and memory are changed by the functions given to `intercept()`, in a run with --unsafe.",
  });
export const notCallable = (at: Place, what: string) =>
  error("SONDE_C_CALL", at, {
    message: `${what} can't be called in a handler`,
    mend: "Handlers call the vocabulary, and functions that are written in TypeScript where the compiler sees them.",
  });
export const notSupported = (at: Place, what: string, mend: string) =>
  error("SONDE_C_UNSUPPORTED", at, { message: `${what} isn't supported in handlers`, mend });
export const notIterable = (at: Place, what: string) =>
  error("SONDE_C_ITERATE", at, {
    message: `${what} can't be iterated in a handler`,
    mend: what.includes("map") ? "The host iterates maps; in a handler use `get`." : "Iterate a captured array, a tuple, or count with an index.",
  });
export const notPrintable = (at: Place, what: string) => error("SONDE_C_PRINT", at, { message: `${what} can't be printed`, mend: "Print its fields." });
export const wrongValue = (at: Place, wanted: string, got: string) =>
  error("SONDE_C_VALUE", at, {
    message: `${wanted} is wanted here, and this is ${got}`,
    mend: got === ENUMERATOR ? ENUMERATOR_MEND : "Give a value of that type.",
  });
const ENUMERATOR = "an enumerator";
const ENUMERATOR_MEND = 'Its number is `i32(e)`; a print shows its name, and `e === "NAME"` compares it.';
export const missingField = (at: Place, name: string) =>
  error("SONDE_C_MISSING_FIELD", at, { message: `the field \`${name}\` is missing`, mend: `Add \`${name}: …\`.` });
export const notCarriable = (at: Place, what: string) =>
  error("SONDE_C_CARRY", at, { message: `${what} can't be carried from enter to leave`, mend: "Carry scalars, text, bytes, and plain objects of them." });
export const carriedWrite = (at: Place) =>
  warning("SONDE_C_CARRIED_ENTRY", at, {
    message: "an entry of a map carried from enter is a copy: what is written to it is lost",
    mend: "Carry the key, and `get` the entry again in leave.",
  });
export const floorOfNegative = (at: Place, name: string) =>
  error("SONDE_C_FLOOR", at, {
    message: `Math.${name} of what may be negative`,
    cause: "Division here truncates toward zero already, so it would be a different number.",
    mend: "Leave it out: `x / y` is an integer.",
  });
export const tooLarge = (at: Place, bytes: number) =>
  error("SONDE_C_TOO_LARGE", at, {
    message: `this handler holds ${bytes} bytes of text and objects at a time; 32,768 are there`,
    mend: "Read shorter texts, or split the handler.",
  });
export const tooManyValues = (at: Place, values: number) =>
  error("SONDE_C_TOO_MANY_VALUES", at, {
    message: `this handler keeps ${values} values more than there are registers for at a time`,
    cause: "A probe's stack is 512 bytes, and what has to be kept while others are computed lies there.",
    mend: "Print or add values as soon as they are known, or split the handler.",
  });
export const mapTruth = (at: Place) =>
  error("SONDE_C_MAP_TRUTH", at, { message: "a map is always there", mend: "Ask `has(key)`, or compare `get(key)` with undefined." });
