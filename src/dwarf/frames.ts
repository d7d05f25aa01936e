/** How to find a frame's address, and where the caller's registers are kept, at each instruction. DWARF 5 §6.4. */
import { type ElfImage, findSection, type Section, SHT_NOBITS, sectionBytes } from "../elf/image.ts";
import { unlessRefused } from "../errors/unless-refused.ts";
import { decompressSection, SHF_COMPRESSED } from "./compression.ts";
import { type ExpressionContext, reduceToWord, registerOf } from "./expression.ts";
import { binary, constant, register, Unreadable, type Word } from "./expression-value.ts";
import { type FrameEntry, type FrameSection, type FrameTable, frameTable } from "./frame-table.ts";
import { bigSleb, type Position, u16, u32, u64, uleb } from "./leb.ts";

/** The canonical frame address: what rsp was in the caller, before the call. Registers by DWARF's numbers. */
export type CfaRule =
  | { readonly k: "register"; readonly register: number; readonly offset: number }
  | { readonly k: "expression"; readonly bytes: Uint8Array }
  | { readonly k: "unknown" };

/** Where the caller's value of a register is. Without a rule it is unchanged, or lost if calls may change it. */
export type RegisterRule =
  | { readonly k: "undefined" }
  | { readonly k: "same" }
  /** In memory at the frame's address plus `offset`. */
  | { readonly k: "saved"; readonly offset: number }
  /** It is the frame's address plus `offset`. */
  | { readonly k: "value"; readonly offset: number }
  | { readonly k: "register"; readonly register: number }
  /** In memory at what the expression gives, with the frame's address on its stack. */
  | { readonly k: "expression"; readonly bytes: Uint8Array }
  | { readonly k: "value-expression"; readonly bytes: Uint8Array };

/** From `address` to the next row's, or the function's end. */
export interface FrameRow {
  readonly address: number;
  readonly cfa: CfaRule;
  readonly rules: ReadonlyMap<number, RegisterRule>;
}

/** The row for an instruction, with what unwinding needs to know of its table. */
export interface FrameAt extends FrameRow {
  /** The function, as its table has it. */
  readonly low: number;
  readonly high: number;
  /** The register whose rule gives the address that is returned to. */
  readonly returnRegister: number;
  /** What it returns to was interrupted, not called. */
  readonly signal: boolean;
}

const CFA = {
  set_loc: 0x01,
  advance_loc1: 0x02,
  advance_loc2: 0x03,
  advance_loc4: 0x04,
  offset_extended: 0x05,
  restore_extended: 0x06,
  undefined: 0x07,
  same_value: 0x08,
  register: 0x09,
  remember_state: 0x0a,
  restore_state: 0x0b,
  def_cfa: 0x0c,
  def_cfa_register: 0x0d,
  def_cfa_offset: 0x0e,
  def_cfa_expression: 0x0f,
  expression: 0x10,
  offset_extended_sf: 0x11,
  def_cfa_sf: 0x12,
  def_cfa_offset_sf: 0x13,
  val_offset: 0x14,
  val_offset_sf: 0x15,
  val_expression: 0x16,
  MIPS_advance_loc8: 0x1d,
  GNU_args_size: 0x2e,
  GNU_negative_offset_extended: 0x2f,
} as const;

const MOST_REMEMBERED = 256;
const MOST_RULES = 256;

interface State {
  cfa: CfaRule;
  rules: Map<number, RegisterRule>;
}

/** All rows of a function's table. */
export function frameRows(entry: FrameEntry): FrameRow[] {
  const rows: FrameRow[] = [];
  const last = runFrames(entry, Number.POSITIVE_INFINITY, (row) => rows.push({ ...row, rules: new Map(row.rules) }));
  rows.push(last);
  return rows;
}

/** Runs a function's program to the row for `until`, and gives that. A program that can't be understood ends where it can't. */
function runFrames(entry: FrameEntry, until: number, emit?: (row: FrameRow) => void): FrameRow {
  const { common, table } = entry;
  const { bytes } = table;
  const state: State = { cfa: { k: "unknown" }, rules: new Map() };
  let address = entry.low;
  const remembered: State[] = [];
  let initial: ReadonlyMap<number, RegisterRule> = new Map();

  /** False: the rest isn't wanted, or isn't known. */
  const run = (start: number, end: number): boolean => {
    const position: Position = { at: start };
    const set = (number: number, rule: RegisterRule): void => {
      if (state.rules.has(number) || state.rules.size < MOST_RULES) state.rules.set(number, rule);
    };
    const restore = (number: number): void => {
      const rule = initial.get(number);
      if (rule === undefined) state.rules.delete(number);
      else set(number, rule);
    };
    const factored = (): number => uleb(bytes, position) * common.dataAlign;
    const signed = (): number => Number(bigSleb(bytes, position)) * common.dataAlign;
    const block = (): Uint8Array => {
      const length = uleb(bytes, position);
      const at = position.at;
      position.at += length;
      return bytes.subarray(at, Math.min(at + length, end));
    };
    const moveTo = (to: number): boolean => {
      if (to > until) return false;
      if (to > address) emit?.({ address, cfa: state.cfa, rules: state.rules });
      address = Math.max(address, to);
      return true;
    };
    const advance = (by: number): boolean => moveTo(address + by * common.codeAlign);
    while (position.at < end) {
      const opcode = bytes[position.at++]!;
      const low = opcode & 0x3f;
      let goesOn = true;
      switch (opcode & 0xc0) {
        case 0x40:
          goesOn = advance(low);
          break;
        case 0x80:
          set(low, { k: "saved", offset: factored() });
          break;
        case 0xc0:
          restore(low);
          break;
        default:
          switch (opcode) {
            case 0:
              break;
            case CFA.set_loc: {
              const size = common.addressSize;
              const to = size === 4 ? u32(bytes, position.at) : u64(bytes, position.at);
              // In other encodings than plain addresses no compiler writes it.
              goesOn = (common.encoding ?? 0) === 0 && moveTo(to);
              position.at += size;
              break;
            }
            case CFA.advance_loc1:
              goesOn = advance(bytes[position.at++] ?? 0);
              break;
            case CFA.advance_loc2:
              position.at += 2;
              goesOn = advance(u16(bytes, position.at - 2));
              break;
            case CFA.advance_loc4:
              position.at += 4;
              goesOn = advance(u32(bytes, position.at - 4));
              break;
            case CFA.MIPS_advance_loc8:
              position.at += 8;
              goesOn = advance(u64(bytes, position.at - 8));
              break;
            case CFA.offset_extended:
              set(uleb(bytes, position), { k: "saved", offset: factored() });
              break;
            case CFA.offset_extended_sf:
              set(uleb(bytes, position), { k: "saved", offset: signed() });
              break;
            case CFA.GNU_negative_offset_extended:
              set(uleb(bytes, position), { k: "saved", offset: -factored() });
              break;
            case CFA.val_offset:
              set(uleb(bytes, position), { k: "value", offset: factored() });
              break;
            case CFA.val_offset_sf:
              set(uleb(bytes, position), { k: "value", offset: signed() });
              break;
            case CFA.restore_extended:
              restore(uleb(bytes, position));
              break;
            case CFA.undefined:
              set(uleb(bytes, position), { k: "undefined" });
              break;
            case CFA.same_value:
              set(uleb(bytes, position), { k: "same" });
              break;
            case CFA.register:
              set(uleb(bytes, position), { k: "register", register: uleb(bytes, position) });
              break;
            case CFA.expression:
              set(uleb(bytes, position), { k: "expression", bytes: block() });
              break;
            case CFA.val_expression:
              set(uleb(bytes, position), { k: "value-expression", bytes: block() });
              break;
            case CFA.remember_state:
              goesOn = remembered.length < MOST_REMEMBERED;
              remembered.push({ cfa: state.cfa, rules: new Map(state.rules) });
              break;
            case CFA.restore_state: {
              const last = remembered.pop();
              if (last === undefined) goesOn = false;
              else Object.assign(state, last);
              break;
            }
            case CFA.def_cfa:
              state.cfa = { k: "register", register: uleb(bytes, position), offset: uleb(bytes, position) };
              break;
            case CFA.def_cfa_sf:
              state.cfa = { k: "register", register: uleb(bytes, position), offset: signed() };
              break;
            case CFA.def_cfa_register: {
              const to = uleb(bytes, position);
              state.cfa = state.cfa.k === "register" ? { ...state.cfa, register: to } : { k: "unknown" };
              break;
            }
            case CFA.def_cfa_offset:
            case CFA.def_cfa_offset_sf: {
              const offset = opcode === CFA.def_cfa_offset ? uleb(bytes, position) : signed();
              state.cfa = state.cfa.k === "register" ? { ...state.cfa, offset } : { k: "unknown" };
              break;
            }
            case CFA.def_cfa_expression:
              state.cfa = { k: "expression", bytes: block() };
              break;
            case CFA.GNU_args_size:
              uleb(bytes, position);
              break;
            default:
              goesOn = false;
          }
      }
      if (!goesOn) return false;
    }
    return true;
  };

  if (run(common.start, common.end)) {
    initial = new Map(state.rules);
    run(entry.start, entry.end);
  }
  return { address, cfa: state.cfa, rules: state.rules };
}

/** How frames are laid out in a file. */
export interface Frames {
  /** Undefined where no table covers the address. */
  at(address: number): FrameAt | undefined;
  readonly tables: readonly FrameTable[];
}

/**
 * The tables of a file: .eh_frame, which programs carry even when they are stripped, then .debug_frame.
 * Tables that can't be read are as good as none. `debug`: the file of separate debug information.
 */
export function framesOf(image: ElfImage, debug: ElfImage = image): Frames {
  const tables: FrameTable[] = [];
  const exceptions = contents(image, ".eh_frame");
  if (exceptions !== undefined) {
    const header = contents(image, ".eh_frame_hdr");
    tables.push(frameTable({ ...exceptions, exceptions: true, ...(header && { header }) }));
  }
  const plain = contents(debug, ".debug_frame") ?? contents(image, ".debug_frame");
  if (plain !== undefined) tables.push(frameTable({ ...plain, exceptions: false }));
  return framesOfTables(tables);
}

export function framesOfTables(tables: readonly FrameTable[]): Frames {
  return {
    tables,
    at(address) {
      for (const table of tables) {
        const entry = table.find(address);
        if (entry === undefined) continue;
        const row = runFrames(entry, address);
        return { ...row, low: entry.low, high: entry.high, returnRegister: entry.common.returnRegister, signal: entry.common.signal };
      }
      return undefined;
    },
  };
}

function contents(image: ElfImage, name: string): Pick<FrameSection, "bytes" | "address"> | undefined {
  const section: Section | undefined = findSection(image, name);
  if (section === undefined || section.type === SHT_NOBITS) return undefined;
  return unlessRefused(() => {
    const bytes = sectionBytes(image, section);
    const isCompressed = (section.flags & SHF_COMPRESSED) !== 0;
    return { bytes: isCompressed ? decompressSection(bytes, `${image.source.name} ${name}`) : bytes, address: section.address };
  });
}

/** The frame's address at a pc by its rule, from the registers there. Throws Unreadable. */
export function cfaWord(rule: CfaRule, pc: number): Word {
  if (rule.k === "unknown") throw new Unreadable("nothing says where the frame is");
  const context: ExpressionContext = { pc, size: undefined };
  if (rule.k === "expression") return reduceToWord(rule.bytes, context);
  const name = registerOf(rule.register);
  if (name === undefined || name.startsWith("xmm")) throw new Unreadable("its frame is found by a register that isn't read");
  return binary("add", register(name, 0n), constant(rule.offset));
}
