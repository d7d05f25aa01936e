/** What `c.unsafe` can't change. */
import { error, type Place } from "./place.ts";

export const notAtEntry = (at: Place, what: string) =>
  error("SONDE_C_UNSAFE_PLACE", at, {
    message: `\`${what}\` isn't possible here`,
    cause: "Arguments are replaced, and functions skipped, at a function's first instruction.",
    mend: 'Probe the function by its name: uprobe("libc:open", …), or `enter` of a call.',
  });
export const notInRegister = (at: Place, n: bigint, registers: number) =>
  error("SONDE_C_UNSAFE_PLACE", at, {
    message: `argument ${n} of this function isn't in a register`,
    ...(registers > 0 && { cause: `Arguments 0 to ${registers - 1} are.` }),
    mend: "Change it in memory, by intercept() (engine breakpoint).",
  });
export const notARegister = (at: Place, can: readonly string[]) =>
  error("SONDE_C_UNSAFE_PLACE", at, { message: "this is no register that can be set", mend: `Write one of ${can.map((one) => `"${one}"`).join(", ")}.` });
export const notASignal = (at: Place) => error("SONDE_C_UNSAFE_PLACE", at, { message: "there is no such signal", mend: "Signals are 1 to 64." });
export const noReturnInstruction = (at: Place) =>
  error("SONDE_C_UNSAFE_PLACE", at, {
    message: "this function can't be skipped",
    cause: "No return instruction was found in the code of its file.",
    mend: "Skip it by intercept() (engine breakpoint).",
  });
