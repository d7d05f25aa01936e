/** Which registers integer arguments come in, in order: by the C convention, or by Go's own. */
import type { PlaceRegister } from "./ctypes.ts";

/** "go-stack": Go before 1.17, which passes everything on the stack. */
export type Convention = "c" | "go" | "go-stack";

type IntegerRegister = Exclude<PlaceRegister, `xmm${number}`>;

/** System V ABI, AMD64, §3.2.3. */
const C: readonly IntegerRegister[] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
/** ABIInternal of Go ≥ 1.17: cmd/compile/abi-internal.md in its sources. */
export const GO_INTEGERS: readonly IntegerRegister[] = ["rax", "rbx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11"];

export const integerRegisters = (convention: Convention): readonly IntegerRegister[] => (convention === "c" ? C : convention === "go" ? GO_INTEGERS : []);
