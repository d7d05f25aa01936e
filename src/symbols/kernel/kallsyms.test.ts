import { expect, test } from "vitest";
import { KernelSymbols } from "./kallsyms.ts";

const TEXT = `0000000000000000 A fixed_percpu_data
ffffffff81000010 T second
ffffffff81000000 T first
ffffffff81000020 D data
ffffffff81000030 W weak
ffffffffc0001000 t in_module\t[nf_tables]
not a line
`;

test("an address is the function's that begins before it: of the kernel, or of a module", () => {
  const symbols = new KernelSymbols(() => TEXT);
  const name = (address: bigint): string | undefined => symbols.at(address)?.name;
  expect([0xffff_ffff_8100_0000n, 0xffff_ffff_8100_000fn, 0xffff_ffff_8100_0010n, 0xffff_ffff_8100_0025n].map(name)).toEqual([
    "first",
    "first",
    "second",
    "second",
  ]);
  expect(name(0xffff_ffff_8100_0031n)).toBe("weak");
  expect(symbols.at(0xffff_ffff_c000_1008n)).toEqual({ name: "in_module", address: 0xffff_ffff_c000_1000n, module: "nf_tables" });
  expect(name(0xffn)).toBeUndefined();
});

test("who isn't told the addresses, or has no such file, has no names", () => {
  expect(new KernelSymbols(() => TEXT.replace(/^[0-9a-f]+/gm, "0000000000000000")).at(0xffff_ffff_8100_0000n)).toBeUndefined();
  const none = new KernelSymbols(() => {
    throw new Error("no such file");
  });
  expect(none.at(0xffff_ffff_8100_0000n)).toBeUndefined();
});
