/**
 * What a pass over all entries does with each abbreviation: worked out once for each, so that most entries cost a look-up
 * and an addition.
 */
import type { Abbreviations } from "./abbreviations.ts";
import { DW_AT, DW_FORM as F, DW_TAG as T } from "./constants.ts";
import { afterForm, type Encoding, fixedSize } from "./forms.ts";
import { afterLeb } from "./leb.ts";
import type { Unit } from "./units.ts";

/** What an entry is to the pass. */
export const Kind = {
  /** Nothing in it or below it matters. */
  skip: 0,
  /** Something below it may matter. */
  descend: 1,
  namespace: 2,
  structure: 3,
  /** A function with code. */
  code: 4,
  /** A declaration, or what inlined functions are copies of. */
  noCode: 5,
  parameter: 6,
  /** An inlined copy with code. */
  inlined: 7,
  /** Parameters of the function that it is in are below it. */
  pack: 8,
  variadic: 9,
} as const;

/** Attributes that the pass reads. */
export const Slot = { none: 0, name: 1, linkageName: 2, low: 3, high: 4, ranges: 5, specification: 6, origin: 7, entry: 8, type: 9, sibling: 10 } as const;
export const SLOTS = 11;

const SLOT_OF: ReadonlyMap<number, number> = new Map([
  [DW_AT.name, Slot.name],
  [DW_AT.linkage_name, Slot.linkageName],
  [DW_AT.MIPS_linkage_name, Slot.linkageName],
  [DW_AT.low_pc, Slot.low],
  [DW_AT.high_pc, Slot.high],
  [DW_AT.ranges, Slot.ranges],
  [DW_AT.specification, Slot.specification],
  [DW_AT.abstract_origin, Slot.origin],
  [DW_AT.entry_pc, Slot.entry],
  [DW_AT.type, Slot.type],
  [DW_AT.sibling, Slot.sibling],
]);

/** Of these no tag below has code. */
const WITHOUT_CODE: ReadonlySet<number> = new Set([
  T.array_type,
  T.enumeration_type,
  T.member,
  T.pointer_type,
  T.reference_type,
  T.string_type,
  T.subroutine_type,
  T.typedef,
  T.variant,
  T.variant_part,
  T.inheritance,
  T.ptr_to_member_type,
  T.set_type,
  T.subrange_type,
  T.base_type,
  T.const_type,
  T.constant,
  T.enumerator,
  T.file_type,
  T.packed_type,
  T.template_type_parameter,
  T.template_value_parameter,
  T.variable,
  T.volatile_type,
  T.dwarf_procedure,
  T.restrict_type,
  T.imported_module,
  T.imported_declaration,
  T.imported_unit,
  T.unspecified_type,
  T.shared_type,
  T.rvalue_reference_type,
  T.template_alias,
  T.coarray_type,
  T.generic_subrange,
  T.dynamic_type,
  T.atomic_type,
  T.call_site,
  T.call_site_parameter,
  T.label,
  T.GNU_template_template_param,
  T.GNU_template_parameter_pack,
  T.GNU_call_site,
  T.GNU_call_site_parameter,
]);

/** Steps over values of which the size varies; a positive step is a number of bytes, 0 the end. */
const Step = { leb: -1, text: -2, other: -3 } as const;

export interface Shapes {
  readonly table: Abbreviations;
  readonly encoding: Encoding;
  readonly kinds: Uint8Array;
  /** Bytes of all attributes together; -1 if that varies. */
  readonly sizes: Int32Array;
  /** Where DW_AT_sibling is behind the start of the attributes, if it is a DW_FORM_ref4 and all in front has a fixed size; else -1. */
  readonly siblings: Int32Array;
  /** Where each abbreviation's steps begin in `steps`. */
  readonly stepStarts: Uint32Array;
  readonly steps: Int32Array;
  /** Of each attribute: its slot, and its size, -1 if that varies. */
  readonly slots: Uint8Array;
  readonly attributeSizes: Int8Array;
}

function kindOf(table: Abbreviations, index: number): number {
  const has = (...wanted: number[]): boolean => {
    for (let i = table.starts[index]!; i < table.starts[index + 1]!; i++) if (wanted.includes(table.attributes[i]!)) return true;
    return false;
  };
  const tag = table.tags[index]!;
  switch (tag) {
    case T.subprogram:
      return has(DW_AT.low_pc, DW_AT.ranges) ? Kind.code : Kind.noCode;
    case T.inlined_subroutine:
      return has(DW_AT.low_pc, DW_AT.ranges, DW_AT.entry_pc) && has(DW_AT.abstract_origin) ? Kind.inlined : Kind.descend;
    case T.formal_parameter:
      return Kind.parameter;
    case T.GNU_formal_parameter_pack:
      return Kind.pack;
    case T.unspecified_parameters:
      return Kind.variadic;
    case T.namespace:
    case T.module:
      return Kind.namespace;
    case T.structure_type:
    case T.class_type:
    case T.union_type:
    case T.interface_type:
      return table.children[index] ? Kind.structure : Kind.skip;
    default:
      return WITHOUT_CODE.has(tag) || !table.children[index] ? Kind.skip : Kind.descend;
  }
}

export function shapesOf(table: Abbreviations, encoding: Encoding): Shapes {
  const { count, starts, attributes, forms } = table;
  const kinds = new Uint8Array(count);
  const sizes = new Int32Array(count);
  const siblings = new Int32Array(count).fill(-1);
  const stepStarts = new Uint32Array(count);
  const steps: number[] = [];
  const slots = new Uint8Array(attributes.length);
  const attributeSizes = new Int8Array(attributes.length);
  for (let index = 0; index < count; index++) {
    kinds[index] = kindOf(table, index);
    stepStarts[index] = steps.length;
    let fixed = 0;
    let run = 0;
    for (let i = starts[index]!; i < starts[index + 1]!; i++) {
      const form = forms[i]!;
      const size = fixedSize(form, encoding);
      slots[i] = SLOT_OF.get(attributes[i]!) ?? Slot.none;
      attributeSizes[i] = Math.max(-1, size);
      if (attributes[i] === DW_AT.sibling && form === F.ref4 && fixed >= 0) siblings[index] = fixed;
      if (size >= 0) {
        run += size;
        if (fixed >= 0) fixed += size;
        continue;
      }
      fixed = -1;
      if (run > 0) steps.push(run);
      run = 0;
      // With its form behind.
      if (form === F.string) steps.push(Step.text);
      else if (isLeb(form)) steps.push(Step.leb);
      else steps.push(Step.other, form);
    }
    if (run > 0) steps.push(run);
    steps.push(0);
    sizes[index] = fixed;
  }
  return { table, encoding, kinds, sizes, siblings, stepStarts, steps: Int32Array.from(steps), slots, attributeSizes };
}

const isLeb = (form: number): boolean =>
  form === F.udata ||
  form === F.sdata ||
  form === F.ref_udata ||
  form === F.strx ||
  form === F.addrx ||
  form === F.loclistx ||
  form === F.rnglistx ||
  form === F.GNU_addr_index ||
  form === F.GNU_str_index;

/** Behind attributes of which the size varies. */
export function afterSteps(shapes: Shapes, bytes: Uint8Array, start: number, index: number): number {
  const { steps } = shapes;
  let at = start;
  for (let i = shapes.stepStarts[index]!; ; i++) {
    const step = steps[i]!;
    if (step > 0) at += step;
    else if (step === 0) return at;
    else if (step === Step.leb) {
      while (bytes[at++]! & 0x80);
    } else if (step === Step.text) {
      // In a file that is made so, over much more than a name, but never over anything twice.
      while (bytes[at++]!);
    } else at = afterForm(bytes, at, steps[++i]!, shapes.encoding);
  }
}

/** The attributes of one entry that the pass reads: their forms, 0 without one, and where their values are. */
export class Captured {
  readonly forms = new Uint16Array(SLOTS);
  readonly at = new Float64Array(SLOTS);
  /** Bytes and attributes that were passed: entries that are read by reference may be read over and over. */
  work = 0;

  /** Gives where the attributes end. */
  read(shapes: Shapes, bytes: Uint8Array, start: number, index: number): number {
    const { forms, at } = this;
    const { slots, attributeSizes, table, encoding } = shapes;
    forms.fill(0);
    let place = start;
    for (let i = table.starts[index]!, stop = table.starts[index + 1]!; i < stop; i++) {
      const slot = slots[i]!;
      const form = table.forms[i]!;
      if (slot !== 0) {
        forms[slot] = form;
        at[slot] = place;
        if (form === F.indirect) {
          const actual = bytes[place]! & 0x80 ? 0 : bytes[place]!;
          forms[slot] = actual === F.indirect ? 0 : actual;
          at[slot] = afterLeb(bytes, place);
        }
      }
      const size = attributeSizes[i]!;
      place = size >= 0 ? place + size : afterForm(bytes, place, form, encoding);
    }
    this.work += Math.min(place, bytes.length) - start + table.starts[index + 1]! - table.starts[index]!;
    return place;
  }
}

/** The shapes of units, each worked out once. */
export class ShapeTables {
  readonly #known = new Map<Abbreviations, Shapes>();

  of(unit: Unit): Shapes {
    const table = unit.abbreviations;
    const known = this.#known.get(table);
    if (known !== undefined && known.encoding === unit.encoding) return known;
    const shapes = shapesOf(table, unit.encoding);
    this.#known.set(table, shapes);
    return shapes;
  }
}
