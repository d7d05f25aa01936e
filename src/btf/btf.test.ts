/** What is written can be read back, and line information stands where the kernel wants it. */
import { describe, expect, test } from "vitest";
import { mov } from "../bpf/alu64.ts";
import { exit } from "../bpf/jump.ts";
import { loadImm64 } from "../bpf/load-imm.ts";
import { r0 } from "../bpf/register.ts";
import { comm, ints, struct } from "../schema/layout.ts";
import { programInfo } from "./program-info.ts";
import { btfSections, findInBtf } from "./reader.ts";
import { schemaType } from "./schema-types.ts";
import { BtfWriter, identifier } from "./writer.ts";

describe("a written blob", () => {
  test("has its functions and members found by name", () => {
    const btf = new BtfWriter();
    schemaType(
      btf,
      struct([
        ["a", ints.u8],
        ["name", comm],
        ["z", ints.i64],
      ]),
      "event",
    );
    const proto = btf.prototype(btf.int("int", 4, true), []);
    const id = btf.func("here", proto, "static");
    const found = findInBtf(btfSections(btf.bytes())!, { functions: ["here", "nowhere"], members: { event: ["name", "z", "none"] } });
    expect(found).toEqual({ functions: { here: id }, members: { "event.name": 8, "event.z": 24 } });
  });

  test("is found at an odd address too", () => {
    const blob = new BtfWriter().bytes();
    const shifted = new Uint8Array(blob.length + 1);
    shifted.set(blob, 1);
    expect(btfSections(shifted.subarray(1))).toBeDefined();
  });

  test("holds an equal type once", () => {
    const btf = new BtfWriter();
    expect(btf.int("u32", 4, false)).toBe(btf.int("u32", 4, false));
    expect(btf.int("i32", 4, true)).not.toBe(btf.int("u32", 4, false));
  });
});

test("bytes that aren't BTF, or are cut short, give nothing", () => {
  const blob = new BtfWriter().bytes();
  expect(btfSections(new Uint8Array(100))).toBeUndefined();
  expect(btfSections(blob.subarray(0, blob.length - 1))).toBeUndefined();
  expect(btfSections(blob.subarray(0, 10))).toBeUndefined();
});

test("names become identifiers", () => {
  expect(identifier("uprobe:libc:malloc")).toBe("uprobe_libc_malloc");
  expect(identifier("0")).toBe("_0");
});

test("every function begins with a line, counted in slots of 8 bytes", () => {
  const btf = new BtfWriter();
  const info = programInfo(
    btf,
    {
      name: "p",
      instructions: [loadImm64(r0, 1n << 40n), exit(), mov(r0, 0), exit()],
      functions: [
        { index: 0, name: "p" },
        { index: 2, name: "f" },
      ],
      lines: [{ index: 1, file: 0, line: 3, column: 5 }],
    },
    [{ path: "a.ts", lines: ["", "", "  calls.add();"] }],
  );
  const lines = new Uint32Array(info.lines.buffer);
  expect([lines[0], lines[4], lines[8]]).toEqual([0, 2, 3]);
  expect(lines[3]).toBe((3 << 10) | 5);
  expect([...new Uint32Array(info.functions.buffer)].filter((_, i) => i % 2 === 0)).toEqual([0, 3]);
});
