/** The assembler's names of x86-64's registers and of their parts. */
import type { PlaceRegister } from "../../schema/ctypes.ts";

/** `width` bits of a register from bit `low`. */
export interface NarrowRegister {
  readonly name: PlaceRegister;
  readonly low: 0 | 8;
  readonly width: 8 | 16 | 32 | 64 | 128;
}

const names = new Map<string, NarrowRegister>();
const add = (written: string, name: PlaceRegister, width: NarrowRegister["width"], low: 0 | 8 = 0): void => {
  names.set(written, { name, low, width });
};
for (const letter of ["a", "b", "c", "d"] as const) {
  const name = `r${letter}x` as const;
  add(name, name, 64);
  add(`e${letter}x`, name, 32);
  add(`${letter}x`, name, 16);
  add(`${letter}l`, name, 8);
  add(`${letter}h`, name, 8, 8);
}
for (const short of ["si", "di", "bp", "sp"] as const) {
  const name = `r${short}` as const;
  add(name, name, 64);
  add(`e${short}`, name, 32);
  add(short, name, 16);
  add(`${short}l`, name, 8);
}
for (const number of [8, 9, 10, 11, 12, 13, 14, 15] as const) {
  const name = `r${number}` as const;
  add(name, name, 64);
  add(`${name}d`, name, 32);
  add(`${name}w`, name, 16);
  add(`${name}b`, name, 8);
}
for (let number = 0; number < 16; number++) add(`xmm${number}`, `xmm${number}`, 128);

/** By its name without the %; undefined where handlers don't have it: rip, segments, the older floating-point stack, wider vectors. */
export const registerNamed = (name: string): NarrowRegister | undefined => names.get(name.trim().toLowerCase());
