/**
 * Writes the code of a slot: copied bytes, jumps that reach everywhere, and behind the code the addresses that it reads.
 *
 *     slot ──► │ instructions │ jump back │ cc … │ literal │ literal │
 *                 ▲ positions: what a thread that stands here would have been seen as
 *
 * Distances are only known when all is written: fix-ups are kept until then.
 */
import { SondeBug } from "../../errors/error.ts";
import { signed32 } from "./displaced.ts";

export interface SlotPosition {
  /** Of an instruction of the slot. */
  readonly offset: number;
  /** The rip that a thread which stands there has in the original code. */
  readonly rip: number;
  /** To be added to its rsp for that: a call's push taken back. */
  readonly stack: number;
  /** What rcx must be for that: behind a displaced syscall it is the slot's address until it is mended. */
  readonly rcx?: number;
}

interface Fixup {
  /** Of four bytes in the code, relative to what stands behind them. */
  readonly at: number;
  readonly literal: number;
}

interface BranchFixup {
  readonly at: number;
  /** Original address: of an instruction that was moved too. */
  readonly to: number;
}

/** Whether a displacement of 32 bits can say it. */
export function reaches(distance: number): boolean {
  return distance >= -0x8000_0000 && distance <= 0x7fff_ffff;
}

export class SlotWriter {
  readonly #slot: number;
  readonly #bytes: number[] = [];
  readonly #positions: SlotPosition[] = [];
  readonly #literals: number[] = [];
  readonly #fixups: Fixup[] = [];
  readonly #branches: BranchFixup[] = [];
  /** Original addresses of moved instructions → where their copies begin. */
  readonly #moved = new Map<number, number>();

  constructor(slot: number) {
    this.#slot = slot;
  }

  get offset(): number {
    return this.#bytes.length;
  }

  /** An original instruction's copy begins here. */
  begin(address: number): void {
    this.#moved.set(address, this.offset);
  }

  /** An instruction of the slot begins here. */
  position(rip: number, stack = 0, rcx?: number): void {
    this.#positions.push(rcx === undefined ? { offset: this.offset, rip, stack } : { offset: this.offset, rip, stack, rcx });
  }

  copy(bytes: ArrayLike<number>): void {
    for (let index = 0; index < bytes.length; index++) this.#bytes.push(bytes[index] as number);
  }

  word(value: number): void {
    this.#bytes.push(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }

  /** An address of 64 bits in the code itself. */
  quad(value: number): void {
    this.word(value | 0);
    this.word(Math.floor(value / 0x1_0000_0000) | 0);
  }

  /** A displacement to a literal behind the code; it must be the last thing of its instruction. */
  literal(value: number): void {
    this.#fixups.push({ at: this.offset, literal: this.#literals.length });
    this.#literals.push(value);
    this.word(0);
  }

  /** The distance to `to` from behind `bytes` more bytes of code. */
  distance(to: number, bytes: number): number {
    return to - (this.#slot + this.offset + bytes);
  }

  /** A jump to an address, however far. */
  jump(to: number): void {
    const distance = this.distance(to, 5);
    if (reaches(distance)) {
      this.#bytes.push(0xe9);
      this.word(distance);
    } else {
      // jmp qword [rip+literal]
      this.#bytes.push(0xff, 0x25);
      this.literal(to);
    }
  }

  /** The last four bytes of a jump whose target is the copy of another instruction of the window. */
  jumpToCopy(to: number): void {
    this.#branches.push({ at: this.offset, to });
    this.word(0);
  }

  finish(): { readonly code: Uint8Array; readonly positions: readonly SlotPosition[] } {
    const end = this.#bytes.length;
    // Literals at addresses that 8 divides: a read across two cache lines would cost.
    const padding = this.#literals.length === 0 ? 0 : -(this.#slot + end) & 7;
    const code = new Uint8Array(end + padding + 8 * this.#literals.length);
    code.set(this.#bytes);
    code.fill(0xcc, end, end + padding);
    const view = new DataView(code.buffer);
    this.#literals.forEach((value, index) => {
      view.setBigInt64(end + padding + 8 * index, BigInt(value), true);
    });
    for (const fixup of this.#fixups) view.setInt32(fixup.at, end + padding + 8 * fixup.literal - (fixup.at + 4), true);
    for (const branch of this.#branches) {
      const copy = this.#moved.get(branch.to);
      if (copy === undefined) throw new SondeBug(`no instruction at 0x${branch.to.toString(16)} was moved`);
      view.setInt32(branch.at, copy - (branch.at + 4), true);
    }
    return { code, positions: this.#positions };
  }
}

/** The bytes with the displacement of an operand relative to rip changed by `shift`; undefined where 32 bits can't say it. */
export function rebiased(bytes: Uint8Array, at: number, narrow: boolean, shift: number): Uint8Array | undefined {
  const displacement = signed32(bytes, at) + shift;
  // With addresses of 32 bits the sum wraps: every distance can be said.
  if (!narrow && !reaches(displacement)) return undefined;
  const moved = bytes.slice();
  new DataView(moved.buffer).setInt32(at, Number(BigInt.asIntN(32, BigInt(displacement))), true);
  return moved;
}
