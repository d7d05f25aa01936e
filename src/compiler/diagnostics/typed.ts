/** Errors about the program's own types: what has no place, can't be represented, or is more than a value. */
import { nearNames } from "../../errors/near-names.ts";
import { error, type Place } from "./place.ts";

/** Why nothing is known of a function's types, in the words of an error. */
export interface Untyped {
  readonly message: string;
  readonly why?: string | undefined;
  readonly mend?: string | undefined;
}

/** As the cause of what isn't known. */
export const causeOf = ({ message, why }: Untyped): string => `${message.charAt(0).toUpperCase()}${message.slice(1)}${why === undefined ? "" : `: ${why}`}.`;

/** Names in a message, at most this many. */
const MOST_NAMES = 12;

const listed = (names: readonly string[]): string =>
  names
    .slice(0, MOST_NAMES)
    .map((name) => `\`${name}\``)
    .join(", ") + (names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "");

/** The nearest name, else all that there are. */
function orElse(name: string, has: readonly string[], none: string): string {
  const [near] = nearNames(name, has, 1);
  if (near !== undefined) return `Did you mean \`${near}\`?`;
  return has.length === 0 ? none : `It has ${listed(has)}.`;
}

/** Debug information has no place for it: `why` completes "… can't be read here: ". */
export const unplaced = (at: Place, what: string, why: string) =>
  error("SONDE_C_NO_PLACE", at, {
    message: `${what} can't be read here: ${why}`,
    mend: "Probe another place, where it is still needed; or take it from a register (`c.arg0`, `c.regs`), if you know in which it is.",
  });
/** `bytes` is how to read what it consists of, where that can be said. */
export const unreadableType = (at: Place, what: string, type: string, bytes: string) =>
  error("SONDE_C_TYPE", at, {
    message: `${what} of type ${type} can't be read`,
    cause: "A handler has no such values.",
    mend: `Read its bytes: \`${bytes}\`.`,
  });
export const notAnAddress = (at: Place, what: string) =>
  error("SONDE_C_VALUE", at, {
    message: `an address is wanted here, and this is ${what}`,
    mend: "Print it as it is; a character is its code: `c.args.letter === 0x41`.",
  });
export const wholeStructure = (at: Place, use: string, fields: readonly string[]) =>
  error("SONDE_C_STRUCTURE", at, {
    message: `a structure of the target can't be ${use} as a whole`,
    mend: fields.length === 0 ? "Read its bytes: `buf(x, length)`." : `Name the fields that are wanted: ${listed(fields)}.`,
  });
export const noField = (at: Place, what: string, name: string, has: readonly string[]) =>
  error("SONDE_C_NO_MEMBER", at, { message: `${what} has no \`${name}\``, mend: orElse(name, has, "It has no fields that are known.") });
/** `what` completes "… has no `name`": "a pointer to void". */
export const noFields = (at: Place, what: string, name: string) =>
  error("SONDE_C_NO_MEMBER", at, {
    message: `${what} has no \`${name}\``,
    mend: "If you know what lies there, say so: `(p as Ptr<Name>)`, or `read(p, schema)`.",
  });
export const noSize = (at: Place, what: string) =>
  error("SONDE_C_NO_SIZE", at, {
    message: `the size of ${what} isn't known, so that no element but the first can be told`,
    mend: "Say what lies there: `(p as Ptr<Name>)[i]`, or `read(p + offset, schema)`.",
  });
export const beyondArray = (at: Place, index: bigint, length: number) =>
  error("SONDE_C_LIMITS", at, {
    message: `there is no element ${index}: the array has ${length}`,
    mend: `Its elements are 0 to ${length - 1}. What lies behind it can be read by its address: \`read(address, type)\`.`,
  });
export const unknownPointee = (at: Place, name: string, has: readonly string[]) =>
  error("SONDE_C_POINTEE", at, {
    message: `nothing is known of a type \`${name}\` here`,
    cause: "`as Ptr<…>` takes structures of the probed function's debug information, integers, and pointers to them.",
    mend: orElse(name, has, "No debug information says what this function's types are: use `read(p, schema)`."),
  });
export const noVariables = (at: Place, untyped?: Untyped) =>
  error("SONDE_C_NO_VARIABLES", at, {
    message: "no variables are known here",
    cause: untyped === undefined ? "Variables are those of a line in the source, and debug information says where they are." : causeOf(untyped),
    mend: untyped?.mend ?? 'Probe a line of a program that has debug information: uprobe("program:file.c:120", …).',
  });
export const noVariable = (at: Place, name: string, has: readonly string[]) =>
  error("SONDE_C_NO_VARIABLE", at, { message: `there is no variable \`${name}\` in scope here`, mend: orElse(name, has, "There are none.") });
