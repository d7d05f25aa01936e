/** Arguments of probes by our places, from registers and memory that gdb reads where a program has stopped, and what the program itself knows them to be. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import type { CType } from "../../src/schema/ctypes.ts";
import { readUsdtProbes } from "../../src/symbols/usdt/probes.ts";
import { variablesOf } from "../../src/symbols/usdt/variables.ts";
import { bytesAt, inGdb, type Stop, valuesOf } from "../dwarf/gdb.ts";
import { usdtProgram } from "../fixtures/build.ts";
import { printedAt } from "./printed.ts";

const sizeOf = (type: CType): number => (type.k === "int" ? Number(type.name.slice(1)) / 8 : type.k === "float" ? type.size : 0);

describe.each(["0", "1", "2", "s"] as const)("compiled with -O%s", (optimize) => {
  const program = usdtProgram({ optimize, fixed: true });
  const image = readElf(memorySource(readFileSync(program), program));
  const variables = variablesOf(image);
  const { probes } = readUsdtProbes(image, variables);
  const [truth] = variables("truth");
  const ranges = image.sections
    .filter(({ name }) => /^\.(data|bss|rodata|probes)$/.test(name))
    .map(({ address, size }) => ({ address: address - 16, size: size + 16 }))
    .concat({ address: Number(truth), size: 96 });
  const addresses = probes.flatMap(({ sites }) => sites.map(({ address }) => Number(address)));
  const stops = new Map(
    (inGdb(program, "locations", { addresses, ranges, arguments: "1" }) as readonly (Stop & { readonly address: number })[]).map((stop) => [
      stop.address,
      stop,
    ]),
  );

  /** The program's own value, a long, as one of the argument's type. */
  function known(stop: Stop, i: number, type: CType): string | undefined {
    const word = bytesAt(stop, { k: "memory", address: [{ op: "address", value: truth! + BigInt(8 * i) }] }, 8);
    // Of floats it keeps doubles.
    return word && valuesOf(type.k === "float" ? { k: "float", size: 8 } : type, word, {}).get("");
  }

  test("every probe is hit but the one that waits for somebody to listen", () =>
    expect(probes.filter(({ sites }) => sites.some(({ address }) => !stops.has(Number(address)))).map(({ name }) => name)).toEqual(["idle"]));

  test.each(probes.filter(({ name }) => !["idle", "unreadable", "thirteen"].includes(name)))(
    "$provider:$name has the arguments that the program passes",
    ({ sites }) => {
      for (const { address, signature, operands } of sites) {
        const stop = stops.get(Number(address))!;
        const ours = signature.params.map(({ type, place }) => {
          const bytes = bytesAt(stop, place!, sizeOf(type));
          return bytes === undefined ? "nowhere" : valuesOf(type, bytes, {}).get("");
        });
        expect([operands, ours]).toEqual([operands, signature.params.map(({ type }, i) => known(stop, i, type))]);
      }
    },
  );

  test.each(probes.filter(({ name, sites }) => !["idle", "unreadable", "thirteen"].includes(name) && sites[0].signature.params.length > 0))(
    "a handler of $provider:$name is compiled to read the same",
    ({ sites }) => {
      for (const site of sites) {
        const stop = stops.get(Number(site.address))!;
        expect([site.operands, printedAt(stop, site)]).toEqual([site.operands, site.signature.params.map(({ type }, i) => known(stop, i, type))]);
      }
    },
  );

  test("arguments are compared of all forms", () => {
    const all = probes.flatMap(({ name, sites }) => (name === "unreadable" ? [] : sites.flatMap(({ operands }) => operands.split(" "))));
    for (const form of [/@%[a-d]h$/, /@%r\d+b$/, /@\$-/, /@-?\d*\(%r..?,%r..?,4\)$/, /\(,%r/, /\(%rip\)$/, /f@%xmm/, /f@.*\(/, /^-8@/, /^1@/]) {
      expect(all.some((one) => form.test(one)) ? "compared" : `none like ${form}`).toBe("compared");
    }
  });
});
