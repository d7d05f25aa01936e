/**
 * A tracepoint's record, as the `format` file of tracefs describes it (Documentation/trace/events.rst):
 *
 *     field:char prev_comm[16];	offset:8;	size:16;	signed:0;
 *     field:__data_loc char[] name;	offset:20;	size:4;	signed:0;
 */
import type { CType, RecordField } from "../schema/ctypes.ts";
import type { BtfCTypes } from "./c-types.ts";

const FIELD = /^\tfield:(.+?)\s*\b(\w+)((?:\[[^\]]*\])*);\toffset:(\d+);\tsize:(\d+);\tsigned:([01]);/;
/** A record is no larger than the kernel's buffer for one (PERF_MAX_TRACE_SIZE, include/linux/trace_events.h). */
const MOST_BYTES = 8192;
/** What every record begins with. */
const COMMON = /^common_/;

/** The fields of a record, but for those that all have. Types that `types` doesn't know are integers of the field's size. */
export function tracepointFields(format: string, types: BtfCTypes | undefined): RecordField[] {
  return format.split("\n").flatMap((line): RecordField[] => {
    const match = FIELD.exec(line);
    if (match === null) return [];
    const [, text, name, brackets, offset, size, signed] = match as unknown as [string, string, string, string, string, string, string];
    if (COMMON.test(name)) return [];
    const place = { name, offset: Number(offset), size: Number(size) };
    if (place.offset + place.size > MOST_BYTES) return [];
    const dynamic = /^__(data|rel)_loc (.+)\[\]$/.exec(text);
    if (dynamic !== null) {
      const of = dynamic[2]!.trim();
      return [{ ...place, elsewhere: dynamic[1] === "rel" ? "end" : "start", type: of === "char" ? "text" : { k: "pointer", to: types?.written(of) } }];
    }
    const length = /^\[(\d+)\]$/.exec(brackets)?.[1];
    if (brackets === "") return [{ ...place, elsewhere: undefined, type: plain(text, place.size, signed === "1", types) }];
    if (text === "char") return [{ ...place, elsewhere: undefined, type: "text" }];
    // A length that is an expression is what fits.
    const count = length === undefined ? place.size : Number(length);
    const each = count === 0 ? 0 : place.size / count;
    const of = plain(text, each, signed === "1", types);
    // Elements that don't lie side by side in the field aren't what the text says.
    const fits = Number.isInteger(each) && (sizeOf(of) ?? each) === each;
    return [
      { ...place, elsewhere: undefined, type: fits ? { k: "array", of, length: count } : { k: "unknown", size: place.size, what: `${text}${brackets}` } },
    ];
  });
}

/** The field's size is what counts: a system call's `int` stands in eight bytes, of which four are it. */
function plain(text: string, size: number, signed: boolean, types: BtfCTypes | undefined): CType {
  if (text.endsWith("*")) return types?.written(text) ?? { k: "pointer", to: undefined };
  const type = types?.written(text);
  if (type !== undefined && type.k !== "void" && (sizeOf(type) ?? size) <= size) return type;
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return { k: "unknown", size, what: text };
  return { k: "int", name: `${signed ? "i" : "u"}${(8 * size) as 8 | 16 | 32 | 64}` };
}

/** Of what stands in a record. */
function sizeOf(type: CType): number | undefined {
  switch (type.k) {
    case "int":
      return Number(type.name.slice(1)) / 8;
    case "bool":
      return 1;
    case "enum":
    case "float":
      return type.size;
    case "pointer":
      return 8;
    default:
      return undefined;
  }
}
