/** Where the text of an attribute is: in place, or in one of the sections of strings (DWARF 5 §7.5.5, §7.26). */
import { DW_FORM as F } from "./constants.ts";
import { plainNumber, unsigned } from "./forms.ts";
import { textAt } from "./leb.ts";
import type { Unit } from "./units.ts";

const NONE = new Uint8Array(0);

/** Bytes of which the text begins at `at`. One object serves many look-ups. */
export interface StringPlace {
  bytes: Uint8Array;
  at: number;
}

/** Finds the text of a value of class string at `at`; false: there is none. */
export function locateString(unit: Unit, form: number, at: number, place: StringPlace): boolean {
  const { bytes, encoding, sections } = unit;
  switch (form) {
    case F.string:
      place.bytes = bytes;
      place.at = at;
      break;
    case F.strp:
      place.bytes = sections.get("str");
      place.at = unsigned(bytes, at, encoding.offsetSize);
      break;
    case F.line_strp:
      place.bytes = sections.get("line_str");
      place.at = unsigned(bytes, at, encoding.offsetSize);
      break;
    case F.strp_sup:
    case F.GNU_strp_alt:
      place.bytes = unit.debug.supplementary?.sections.get("str") ?? NONE;
      place.at = unsigned(bytes, at, encoding.offsetSize);
      break;
    case F.strx:
    case F.strx1:
    case F.strx2:
    case F.strx3:
    case F.strx4:
    case F.GNU_str_index: {
      const offsets = sections.get("str_offsets");
      const entry = unit.strOffsetsBase + plainNumber(bytes, at, form, encoding) * encoding.offsetSize;
      if (entry + encoding.offsetSize > offsets.length) return false;
      place.bytes = sections.get("str");
      place.at = unsigned(offsets, entry, encoding.offsetSize);
      break;
    }
    default:
      return false;
  }
  return place.at < place.bytes.length;
}

const place: StringPlace = { bytes: NONE, at: 0 };

/** The text of a value of class string; undefined if there is none. */
export function textOf(unit: Unit, form: number, at: number): string | undefined {
  if (!locateString(unit, form, at, place)) return undefined;
  const text = textAt(place.bytes, place.at);
  place.bytes = NONE;
  return text;
}
