/** The command `sonde types`: what it writes where, what it refuses, and its agreement with the C compiler about BTF. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BtfCTypes } from "../../src/btf/c-types.ts";
import { btfSections } from "../../src/btf/reader.ts";
import { BtfTypeTable } from "../../src/btf/type-table.ts";
import { typedC } from "../dwarf/typed-programs.ts";
import { target } from "../fixtures/build.ts";
import { sonde } from "../fixtures/sonde.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-types-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("writes to the file of -o what it writes to stdout, with the command that makes it again", async () => {
  const { status, stdout } = await sonde(["types", typedC(), "by_*", "--as", "app"]);
  expect(status).toBe(0);
  expect(stdout).toContain(`sonde types ${typedC()} 'by_*' --as app`);
  expect(stdout).toContain('"app:by_pointer": { args: { request: Ptr<request>; pool: Ptr<pool> }; ret: i64 };');
  expect(stdout).not.toContain("uri_length");
  const file = join(folder, "app.d.ts");
  expect((await sonde(["types", typedC(), "by_*", "--as", "app", "-o", file])).stdout).toBe("");
  expect(readFileSync(file, "utf8").split("\n").slice(1)).toEqual(stdout.split("\n").slice(1));
});

test("--depth cuts pointers to addresses", async () => {
  const { stdout } = await sonde(["types", typedC(), "by_pointer", "--depth", "0"]);
  expect(stdout).toContain("{ request: Ptr; pool: Ptr }");
  expect(stdout).not.toContain("export interface");
});

test("reads debug information from a file of its own, and has functions that are inlined everywhere", async () => {
  const program = join(folder, "lines");
  execFileSync("cc", ["-g", "-O2", "-o", program, join(import.meta.dirname, "../typed/lines.c")]);
  execFileSync("objcopy", ["--only-keep-debug", program, `${program}.debug`]);
  execFileSync("strip", [program]);
  execFileSync("objcopy", [`--add-gnu-debuglink=${program}.debug`, program]);
  const { stdout } = await sonde(["types", program, "priced", "bill", "only_here"]);
  expect(stdout).toContain('"lines:priced": { args: { order: Ptr<order>; factor: i64 }; ret: i64 };');
  expect(stdout).toContain('"lines:bill": { args: { orders: Ptr<order>; count: i32 }; ret: i64 };');
  expect(stdout).toContain('"lines:only_here": { args: { n: i64 }; ret: i64 };');
});

test("of the kernel writes the structures and tracepoints that are named", async () => {
  const { status, stdout } = await sonde(["types", "kernel", "task_struct", "sched:sched_switch", "--depth", "1"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/"sched:sched_switch": \{ args: \{ prev_comm: string; prev_pid: i32;/);
  expect(stdout).toContain("    task_struct: task_struct;");
  expect(stdout).toContain("  comm: CArray<");
});

describe("refuses, and says what would be right", () => {
  test.each([
    [() => ["types", typedC(), "by_ponter"], "SONDE_FUNCTION_NOT_FOUND", "by_pointer"],
    [() => ["types", target()], "SONDE_DEBUG_INFO_MISSING", "-g"],
    [() => ["types", "/no/such/file"], "SONDE_FILE_NOT_FOUND", "path"],
    [() => ["types", "kernel", "task_strut"], "SONDE_TYPE_NOT_FOUND", "task_struct"],
    [() => ["types", "kernel", "sched:sched_swich"], "SONDE_TRACEPOINT_NOT_FOUND", "sched:sched_switch"],
  ] as const)("%#: %s", async (words, code, near) => {
    const { status, stderr, stdout } = await sonde([...words()]);
    expect(stderr).toContain(code);
    expect(stderr).toContain(near);
    expect([status, stdout]).toEqual([1, ""]);
  });
});

test("BTF that gcc writes has every field where gcc puts it", () => {
  const members = ["a", "b.x", "c", "e", "deep", "wide", "last"];
  const text = `#include <stddef.h>
struct inner { char x; long y; };
struct outer { char a; struct inner b; struct { short c; union { int deep; char e; }; }; enum { ONE, TWO = 70000 } wide; int f : 3, g : 9; char last[5]; } outer;
#ifdef SAY
#include <stdio.h>
int main(void) { printf("${members.map(() => "%zu").join(" ")} %zu", ${members.map((name) => `offsetof(struct outer, ${name})`).join(", ")}, sizeof outer); }
#endif
`;
  const source = join(folder, "btf.c");
  writeFileSync(source, text);
  execFileSync("cc", ["-gbtf", "-c", "-o", join(folder, "btf.o"), source]);
  execFileSync("objcopy", ["-O", "binary", "--only-section=.BTF", "--set-section-flags", ".BTF=alloc", join(folder, "btf.o"), join(folder, "btf.bin")]);
  execFileSync("cc", ["-DSAY", "-o", join(folder, "say"), source]);
  const said = execFileSync(join(folder, "say"), { encoding: "utf8" }).split(" ").map(Number);
  const types = new BtfCTypes(new BtfTypeTable(btfSections(readFileSync(join(folder, "btf.bin")))!));
  types.named("outer");
  const { fields, size } = types.structs.outer!;
  const offset = (name: string): number | undefined => fields.find((field) => field.name === name)?.offset;
  expect([...members.map((name) => offset(name.replace(/\..*/, ""))), size]).toEqual(said);
  expect(fields.filter(({ bits }) => bits !== undefined).map(({ name, bits }) => [name, bits!.size])).toEqual([
    ["f", 3],
    ["g", 9],
  ]);
});
