/** What TypeScript finds, said in the terms of probes. The codes are ours where the message is. */
import { nearNames } from "../../errors/near-names.ts";
import { error, type Place } from "./place.ts";
import { causeOf, type Untyped } from "./typed.ts";

const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");

/** TypeScript's own suggestion, or the name that is nearest. */
function didYouMean(name: string, suggested: string | undefined, has: readonly string[]): string | undefined {
  const near = suggested ?? nearNames(name, has, 1)[0];
  return near === undefined ? undefined : `Did you mean \`${near}\`?`;
}

/** `suggested`: what TypeScript takes for what was meant. */
export const noMember = (at: Place, what: string, name: string, has: readonly string[], suggested?: string) => {
  const mend = didYouMean(name, suggested, has) ?? (has.length > 0 ? `It has ${listed(has)}.` : undefined);
  return error("SONDE_C_NO_MEMBER", at, { message: `${what} has no \`${name}\``, ...(mend === undefined ? {} : { mend }) });
};

/** `has` is undefined where nothing is known of the function's parameters; `untyped` says why. */
export const noParameter = (at: Place, name: string, has: readonly string[] | undefined, untyped?: Untyped) =>
  has === undefined
    ? error("SONDE_C_NO_ARGUMENT", at, {
        message: `no parameter \`${name}\` is known of this function`,
        cause: untyped === undefined ? "Neither sonde's prototypes nor debug information say what its parameters are called." : causeOf(untyped),
        mend: `Use \`c.arg0\`, \`c.arg1\`, … in their order.${untyped?.mend === undefined ? "" : ` Or: ${untyped.mend}`}`,
      })
    : error("SONDE_C_NO_ARGUMENT", at, {
        message: `this function has no parameter \`${name}\``,
        mend: has.length === 0 ? "It has none; raw registers are `c.arg0`, `c.arg1`, …." : (didYouMean(name, undefined, has) ?? `It has ${listed(has)}.`),
      });

/** `count`: how many the static probe has. */
export const noStaticArgument = (at: Place, index: number, count: number) =>
  error("SONDE_C_NO_ARGUMENT", at, {
    message: `this static probe has no argument ${index}`,
    mend: count === 0 ? "It has none." : `It has ${count}, from \`c.arg(0)\` on. Where the target names several probes, all of them must have it.`,
  });

export const noCarried = (at: Place, name: string, has: readonly string[]) =>
  error("SONDE_C_NO_CARRIED", at, {
    message: `\`enter\` gave no \`${name}\``,
    mend: has.length === 0 ? "Let `enter` return an object with it." : `It gave ${listed(has)}.`,
  });

export const noEnumerator = (at: Place, text: string, has: readonly string[]) =>
  error("SONDE_C_NO_ENUMERATOR", at, {
    message: `there is no enumerator \`${text}\``,
    cause: "An enumeration is compared with the names of its values.",
    mend: didYouMean(text, undefined, has) ?? `There are ${listed(has.slice(0, 12))}${has.length > 12 ? " and more" : ""}.`,
  });

export const maybeUndefined = (at: Place, text: string, pointer: boolean) =>
  error("SONDE_C_MAYBE_UNDEFINED", at, {
    message: `${text === "" ? "this" : `\`${text}\``} may be undefined`,
    cause: "What is read from memory, or looked up in a map, may not be there.",
    mend: pointer ? "Read through it with `?.`, or test it before." : "Test it before: `if (x === undefined) return;`, or give another value: `x ?? 0`.",
  });

export const readOnly = (at: Place, name: string) =>
  error("SONDE_C_READ_ONLY", at, {
    message: `\`${name}\` can't be assigned: a handler sees the target and doesn't change it`,
    mend: "Arguments, results, registers and memory are changed by the functions given to `intercept()`, in a run with --unsafe.",
  });

export const floatValue = (at: Place, text: string) =>
  error("SONDE_C_FLOAT_VALUE", at, {
    message: `\`${text}\` is a float, which a handler carries and doesn't compute with`,
    cause: "eBPF has no floating point.",
    mend: "Print or emit it, and compute on the host.",
  });

export const wholeNumber = (at: Place, text: string) =>
  error("SONDE_C_WHOLE_NUMBER", at, { message: `${text} isn't a whole number`, mend: "Sizes, lengths and bounds are whole numbers." });

export const period = (at: Place, text: string) =>
  error("SONDE_C_PERIOD", at, { message: `${text} isn't a period`, mend: 'Write a number and us, ms, s, m or h: "100ms", "1s".' });

export const rate = (at: Place, text: string) => error("SONDE_C_RATE", at, { message: `${text} isn't a rate`, mend: 'Write a number and hz: "99hz".' });

export const countAmount = (at: Place) =>
  error("SONDE_C_COUNT_AMOUNT", at, { message: "a count has no amount: it counts calls of add()", mend: "To add amounts use sum()." });

export const voidResult = (at: Place) =>
  error("SONDE_C_VOID_RESULT", at, {
    message: "this function returns nothing",
    cause: "Its prototype says void: the register holds whatever was left in it.",
    mend: "Leave it out; if the prototype is wrong, `c.regs.rax` is the raw register.",
  });

export const hostReads = (at: Place, name: string) =>
  error("SONDE_C_HANDLER_METHOD", at, {
    message: `\`${name}\` is the handler's: the host reads by other names`,
    mend: name === "get" || name === "at" ? "Write read(key), or iterate: for (const [key, value] of map)." : "The host has read(), entries() and iteration.",
  });

export const bigintOnHost = (at: Place, detail: string) =>
  error("SONDE_C_BIGINT_HOST", at, {
    message: detail,
    cause: "On the host 64-bit integers are bigint, so that no digit is lost.",
    mend: "Take a bigint, or convert where 2^53 is enough: Number(value).",
  });

export const noExport = (at: Place, name: string, near: string | undefined) =>
  error("SONDE_C_NO_EXPORT", at, {
    message: `sonde has no \`${name}\``,
    mend: near === undefined ? "docs/reference.md lists the vocabulary." : `Did you mean \`${near}\`?`,
  });

export const wrongShape = (at: Place, register: string, detail: string) =>
  error("SONDE_C_HANDLER_SHAPE", at, {
    message: `this isn't a handler for ${register}()`,
    cause: detail,
    mend: register === "uprobe" ? "Write (c) => …, or { enter: (c) => …, leave: (c, at) => … }." : "Write (c) => ….",
  });

export const carried = (at: Place) =>
  error("SONDE_C_CARRIED", at, {
    message: "this can't be carried from enter to leave",
    cause: "What is carried is copied: scalars, texts, bytes, stacks, and plain objects of them.",
    mend: "Carry the fields that leave needs: return { from: c.time, size: c.arg0 }.",
  });
