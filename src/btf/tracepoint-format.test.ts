/** Records of tracepoints, from the text that the kernel writes of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CType } from "../schema/ctypes.ts";
import { tracepointFields } from "./tracepoint-format.ts";

const FORMAT = `name: made_up
ID: 372
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;
	field:unsigned long args[6];	offset:32;	size:48;	signed:0;
	field:const char * filename;	offset:80;	size:8;	signed:0;
	field:__data_loc char[] name;	offset:88;	size:4;	signed:0;
	field:__data_loc u64[] values;	offset:92;	size:4;	signed:0;
	field:int flags;	offset:96;	size:8;	signed:0;
	field:struct odd thing;	offset:104;	size:12;	signed:0;

print fmt: "prev_comm=%s", REC->prev_comm
`;

test("each field has its type, text is text, and what all records begin with is left out", () => {
  expect(tracepointFields(FORMAT, undefined).map(({ name, offset, size, type, elsewhere }) => [name, offset, size, elsewhere, type])).toEqual([
    ["prev_comm", 8, 16, undefined, "text"],
    ["prev_pid", 24, 4, undefined, { k: "int", name: "i32" }],
    ["args", 32, 48, undefined, { k: "array", length: 6, of: { k: "int", name: "u64" } }],
    ["filename", 80, 8, undefined, { k: "pointer", to: undefined }],
    ["name", 88, 4, "start", "text"],
    ["values", 92, 4, "start", { k: "pointer", to: undefined }],
    ["flags", 96, 8, undefined, { k: "int", name: "u64" }],
    ["thing", 104, 12, undefined, { k: "unknown", size: 12, what: "struct odd" }],
  ]);
});

test("text that isn't a format has no fields", () => {
  expect(tracepointFields("", undefined)).toEqual([]);
  expect(tracepointFields("\tfield:;\toffset:x;", undefined)).toEqual([]);
});

test("a field that is said to lie behind any record isn't there, and an array that doesn't fill its field is unknown", () => {
  expect(tracepointFields("\tfield:int far;\toffset:99999;\tsize:4;\tsigned:1;", undefined)).toEqual([]);
  expect(tracepointFields("\tfield:long odd[5];\toffset:8;\tsize:48;\tsigned:1;", undefined)).toMatchObject([
    { type: { k: "unknown", size: 48, what: "long[5]" } },
  ]);
});

test("whatever the text is, no field is larger than what it says, and none lies outside of a record", () => {
  const bytesOf = (type: CType): number =>
    type.k === "array" ? type.length * bytesOf(type.of) : type.k === "int" ? Number(type.name.slice(1)) / 8 : "size" in type ? type.size : 8;
  const change = fc.record({
    at: fc.nat(FORMAT.length),
    remove: fc.nat(6),
    put: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("9", "[", "]", ";", "\t", "-", "0x", "__rel_loc ", "size:0", "[0]")),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      let text = FORMAT;
      for (const { at, remove, put } of changes) text = text.slice(0, at) + put + text.slice(at + remove);
      for (const { offset, size, type, elsewhere } of tracepointFields(text, undefined)) {
        expect(offset + size).toBeLessThanOrEqual(8192);
        if (type !== "text" && elsewhere === undefined && type.k !== "pointer") expect(bytesOf(type)).toBeLessThanOrEqual(size);
      }
    }),
    { numRuns: 3000 },
  );
});
