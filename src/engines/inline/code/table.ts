/**
 * Hash maps without locks, as machine code: lookup, update and delete for each map.
 *
 * A key may be in any slot of its window. A slot's control word says what it holds; its generation makes every change of
 * it a different word, so that a compare-and-exchange succeeds only on what was looked at.
 *
 *     empty ──claim──► busy ──(key and value are written)──► announced ──publish──► live ──delete──► dead
 *                                                                └───withdrawn, or cancelled by another───►  │
 *     dead ───claim──► busy …                                                                         ◄──────┘
 *
 * Two threads may bring the same key at once, to different slots. Each looks through the window again after it has
 * announced its own, and so at least one sees the other. Who sees another's announcement in a later slot cancels it; who
 * sees one in an earlier slot withdraws its own and begins anew, or, when that has gone on for long, cancels the other
 * (its thread may be dead). Publishing fails where one was cancelled, and is begun anew. So a key is never live twice,
 * but for the moment in which a value is replaced: the new one is live before the old one is dead.
 *
 * Nobody waits for anybody. A thread that dies in between leaves a slot busy, which is lost, or announced, which the next
 * one to bring that key cancels. Slots are never empty again: a lookup ends at the first empty one.
 */
import {
  type Assembler,
  at,
  data,
  type Gpr,
  type Memory,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
} from "../../../x86/assemble/assembler.ts";
import { GENERATION_SHIFT, HASH_FACTOR, SlotState, TAG_BITS, TableHeader, type TablePlace } from "../memory/layout.ts";
import type { CodeTarget } from "./target.ts";

const Errno = { ENOENT: 2, E2BIG: 7, EBUSY: 16, EEXIST: 17, EINVAL: 22 } as const;
const Flag = { noExist: 1, exist: 2 } as const;
/** Beginnings anew before a change is given up. */
const MOST_TRIES = 64;
/** From so many left on, others' announcements are cancelled wherever they are. */
const IMPATIENT = 32;
/** Longer values are copied in a loop. */
const UNROLLED = 64;

/** Loads of 8, 4, 2, 1 that make up `size` bytes. */
export function* pieces(size: number): Generator<{ readonly at: number; readonly bits: 8 | 16 | 32 | 64 }> {
  for (let done = 0; done < size; ) {
    const bits = size - done >= 8 ? 64 : size - done >= 4 ? 32 : size - done >= 2 ? 16 : 8;
    yield { at: done, bits };
    done += bits / 8;
  }
}

export class TableCode {
  readonly #a: Assembler;
  readonly #place: TablePlace;
  readonly #shared: number;
  readonly #name: string;

  constructor(a: Assembler, target: CodeTarget, map: number) {
    this.#a = a;
    this.#place = target.layout.maps[map] as TablePlace;
    this.#shared = target.place.shared;
    this.#name = `map${map}`;
  }

  #data(offset: number): Memory {
    return data(this.#shared + offset);
  }
  get #count(): Memory {
    return this.#data(this.#place.at + TableHeader.count);
  }

  /** rsi: the key. r8 is the window's first control, r9d the tag in its place. Uses r10, r11, rax. */
  #hash(): void {
    const a = this.#a;
    const { keySize } = this.#place.image;
    a.movi(r11, HASH_FACTOR);
    let first = true;
    for (let done = 0; done < keySize; done += 8) {
      const word = first ? r9 : r10;
      this.#word(word, done, Math.min(8, keySize - done));
      if (!first) a.xor(64, r9, r10);
      a.imul(64, r9, r11).mov(64, r10, r9).shift("shr", 64, r10, 32).xor(64, r9, r10);
      first = false;
    }
    a.lea(r8, this.#data(this.#place.controls));
    if (this.#place.slots > this.#place.window) {
      a.mov(64, r10, r9)
        .shift("shr", 64, r10, 64 - this.#place.log)
        .lea(r8, at(r8, 0, r10, 8));
    }
    a.groupi("and", 32, r9, 2 ** TAG_BITS - 1).shift("shl", 32, r9, 3);
  }

  /** Up to 8 bytes of the key, filled up with zeros; uses rax. */
  #word(to: Gpr, from: number, bytes: number): void {
    const a = this.#a;
    let shift = 0;
    for (const piece of pieces(bytes)) {
      const source = at(rsi, from + piece.at);
      const into = shift === 0 ? to : rax;
      if (piece.bits >= 32) a.mov(piece.bits, into, source);
      else a.movzx(piece.bits as 8 | 16, into, source);
      if (shift > 0) a.shift("shl", 64, rax, shift).or(64, to, rax);
      shift += piece.bits;
    }
  }

  /** The entry of the control at `control`; uses r11. */
  #entry(to: Gpr, control: Gpr): void {
    const { controls, stride, entries } = this.#place;
    this.#a
      .lea(r11, this.#data(controls))
      .mov(64, to, control)
      .sub(64, to, r11)
      // Controls have 8 bytes.
      .imuli(64, to, to, stride / 8)
      .lea(r11, this.#data(entries))
      .add(64, to, r11);
  }

  /** Goes to `other` unless the entry at r10 has the key at rsi; uses r11. */
  #compare(other: string): void {
    const a = this.#a;
    for (const { at: offset, bits } of pieces(this.#place.image.keySize)) a.mov(bits, r11, at(rsi, offset)).cmp(bits, r11, at(r10, offset)).jcc("ne", other);
  }

  /** Notes that the slot at `control` is in use. Uses r11 and `by`. */
  #touch(control: Gpr, by: Gpr, asNewest: boolean): void {
    const { evicts, used, controls, at: header } = this.#place;
    if (!evicts) return;
    const a = this.#a;
    const turn = this.#data(header + TableHeader.turn);
    if (asNewest) a.movi(by, 1).lockXadd(32, turn, by).inc(32, by).add(32, by, by);
    else a.mov(32, by, turn).lea(by, { disp: 1, base: by, index: by, scale: 1 });
    // (control - controls) / 2 + used
    const index = control;
    a.push(index)
      .lea(r11, this.#data(controls))
      .sub(64, index, r11)
      .shift("shr", 64, index, 1)
      .lea(r11, this.#data(used))
      .mov(32, at(r11, 0, index), by)
      .pop(index);
  }

  /** rsi: the key → rax: the value's address, or 0. */
  lookup(): void {
    const a = this.#a;
    const n = (label: string): string => `${this.#name}.lookup.${label}`;
    a.align(16).label(`${this.#name}.lookup`);
    this.#hash();
    a.or(32, r9, this.#constant(rdx, SlotState.live)).movi(rdx, this.#place.window);
    a.label(n("again")).mov(64, rax, at(r8)).cmp(16, rax, r9).jcc("e", n("candidate"));
    a.testi(8, rax, SlotState.mask).jcc("e", n("none"));
    a.label(n("next")).groupi("add", 64, r8, 8).dec(32, rdx).jcc("ne", n("again"));
    a.label(n("none")).xor(32, rax, rax).ret();
    a.label(n("candidate"));
    this.#entry(r10, r8);
    this.#compare(n("next"));
    // It may have become another key's meanwhile.
    a.cmp(64, rax, at(r8)).jcc("ne", n("changed"));
    this.#touch(r8, rax, false);
    a.lea(rax, at(r10, this.#place.valueAt)).ret();
    a.label(n("changed")).dec(32, rdx).jcc("ne", n("again")).jmp(n("none"));
  }

  #constant(register: Gpr, value: number): Gpr {
    this.#a.movi(register, value);
    return register;
  }

  /** rsi: the key → rax: 0, or -ENOENT. */
  delete(): void {
    const a = this.#a;
    const n = (label: string): string => `${this.#name}.delete.${label}`;
    a.align(16).label(`${this.#name}.delete`);
    this.#hash();
    a.or(32, r9, this.#constant(rdx, SlotState.live)).movi(rdx, this.#place.window).movi(rdi, -Errno.ENOENT);
    a.label(n("again")).mov(64, rax, at(r8)).cmp(16, rax, r9).jcc("e", n("candidate"));
    a.testi(8, rax, SlotState.mask).jcc("e", n("end"));
    a.label(n("next")).groupi("add", 64, r8, 8).dec(32, rdx).jcc("ne", n("again"));
    a.label(n("end")).mov(64, rax, rdi).ret();
    a.label(n("candidate"));
    this.#entry(r10, r8);
    this.#compare(n("next"));
    a.mov(64, r11, rax);
    this.#state(r11, SlotState.dead);
    a.lockCmpxchg(64, at(r8), r11).jcc("ne", n("next")).lockDec(32, this.#count).xor(32, rdi, rdi).jmp(n("next"));
  }

  /** Puts another state into a control word. */
  #state(control: Gpr, state: number): void {
    this.#a.groupi("and", 64, control, ~SlotState.mask).groupi("or", 64, control, state);
  }

  /**
   * rsi: the key, rdx: the value, rcx: flags → rax: 0 or -errno.
   *
   *     rbx the slot that is taken, rbp the live one with this key and r14 its control, r12 the window, r13 the tag,
   *     r15 tries that are left, rdi flags; r8 walks, r9 counts
   */
  update(): void {
    const a = this.#a;
    const { image, window, capacity, evicts, valueAt } = this.#place;
    const n = (label: string): string => `${this.#name}.update.${label}`;
    const saved = [rbx, rbp, r12, r13, r14, r15] as const;
    const leave = (): void => {
      for (const register of saved.toReversed()) a.pop(register);
      a.ret();
    };
    const fail = (label: string, errno: number): void => {
      a.label(n(label)).movi(rax, -errno).jmp(n("leave"));
    };
    a.align(16).label(`${this.#name}.update`);
    for (const register of saved) a.push(register);
    a.groupi("cmp", 64, rcx, Flag.exist).jcc("a", n("invalid")).mov(64, rdi, rcx);
    this.#hash();
    a.mov(64, r12, r8).mov(32, r13, r9).movi(r15, MOST_TRIES);

    // What is there, and where there is room.
    a.label(n("try")).dec(32, r15).jcc("e", n("busy"));
    a.mov(64, r8, r12).movi(r9, window).xor(32, rbx, rbx).xor(32, rbp, rbp);
    a.label(n("look")).mov(64, rax, at(r8)).mov(32, r10, rax).groupi("and", 32, r10, SlotState.mask);
    a.jcc("e", n("free")).groupi("cmp", 32, r10, SlotState.dead).jcc("e", n("free"));
    a.groupi("cmp", 32, r10, SlotState.live).jcc("ne", n("lookNext"));
    a.mov(32, r11, r13).groupi("or", 32, r11, SlotState.live).cmp(16, rax, r11).jcc("ne", n("lookNext"));
    this.#entry(r10, r8);
    this.#compare(n("lookNext"));
    a.mov(64, rbp, r8).mov(64, r14, rax).jmp(n("lookNext"));
    a.label(n("free")).test(64, rbx, rbx).cmov("e", 64, rbx, r8).test(32, r10, r10).jcc("e", n("looked"));
    a.label(n("lookNext")).groupi("add", 64, r8, 8).dec(32, r9).jcc("ne", n("look"));

    a.label(n("looked")).test(64, rbp, rbp).jcc("e", n("absent"));
    a.groupi("cmp", 32, rdi, Flag.noExist).jcc("e", n("exists"));
    if (image.valueSize <= 8 && (image.valueSize & (image.valueSize - 1)) === 0) {
      // A store of one word is whole.
      const bits = (image.valueSize * 8) as 8 | 16 | 32 | 64;
      this.#entry(r10, rbp);
      a.mov(bits, rax, at(rdx)).mov(bits, at(r10, valueAt), rax);
      this.#touch(rbp, rax, false);
      a.xor(32, rax, rax).jmp(n("leave"));
    } else a.lockInc(32, this.#count).jmp(n("claim"));
    a.label(n("absent")).groupi("cmp", 32, rdi, Flag.exist).jcc("e", n("missing"));
    a.movi(rax, 1)
      .lockXadd(32, this.#count, rax)
      .groupi("cmp", 32, rax, capacity)
      .jcc("ae", n(evicts ? "evict" : "full"));

    a.label(n("claim"))
      .test(64, rbx, rbx)
      .jcc("e", n(evicts ? "evict" : "full"));
    a.mov(64, rax, at(rbx)).mov(32, r10, rax).groupi("and", 32, r10, SlotState.mask);
    a.jcc("e", n("mine")).groupi("cmp", 32, r10, SlotState.dead).jcc("ne", n("undo"));
    a.label(n("mine")).mov(64, rcx, rax).shift("shr", 64, rcx, GENERATION_SHIFT).inc(64, rcx).shift("shl", 64, rcx, GENERATION_SHIFT);
    a.or(64, rcx, r13).groupi("or", 64, rcx, SlotState.busy).lockCmpxchg(64, at(rbx), rcx).jcc("ne", n("undo"));
    this.#entry(r10, rbx);
    for (const { at: offset, bits } of pieces(image.keySize)) a.mov(bits, r11, at(rsi, offset)).mov(bits, at(r10, offset), r11);
    this.#copyValue(n);
    this.#touch(rbx, rax, true);
    this.#state(rcx, SlotState.announced);
    a.mov(64, rax, rcx).xchg(64, at(rbx), rax);

    // Who else brings it?
    a.label(n("check")).mov(64, r8, r12).movi(r9, window);
    a.label(n("other")).cmp(64, r8, rbx).jcc("e", n("otherNext"));
    a.mov(64, rax, at(r8)).mov(32, r10, rax).groupi("and", 32, r10, SlotState.mask).jcc("e", n("publish"));
    a.groupi("cmp", 32, r10, SlotState.live).jcc("e", n("sameTag")).groupi("cmp", 32, r10, SlotState.announced).jcc("ne", n("otherNext"));
    a.label(n("sameTag"))
      .mov(32, r11, rax)
      .xor(32, r11, r13)
      .groupi("and", 32, r11, (2 ** TAG_BITS - 1) << 3)
      .jcc("ne", n("otherNext"));
    this.#entry(r10, r8);
    this.#compare(n("otherNext"));
    a.mov(64, r11, rax);
    this.#state(r11, SlotState.dead);
    a.mov(32, r10, rax).groupi("and", 32, r10, SlotState.mask).groupi("cmp", 32, r10, SlotState.live).jcc("e", n("otherLive"));
    a.cmp(64, r8, rbx).jcc("a", n("cancel")).groupi("cmp", 32, r15, IMPATIENT).jcc("a", n("withdraw"));
    a.label(n("cancel")).lockCmpxchg(64, at(r8), r11).jcc("ne", n("check")).jmp(n("otherNext"));
    // The old value goes after the new one has come.
    a.label(n("otherLive")).cmp(64, r8, rbp).jcc("ne", n("newer")).cmp(64, rax, r14).jcc("e", n("otherNext"));
    a.label(n("newer")).groupi("cmp", 32, rdi, Flag.noExist).jcc("e", n("withdraw"));
    a.lockCmpxchg(64, at(r8), r11).jcc("ne", n("check")).lockDec(32, this.#count);
    a.label(n("otherNext")).groupi("add", 64, r8, 8).dec(32, r9).jcc("ne", n("other"));

    a.label(n("publish")).mov(64, rax, rcx).mov(64, r11, rcx);
    this.#state(r11, SlotState.live);
    a.lockCmpxchg(64, at(rbx), r11).jcc("ne", n("undo"));
    a.test(64, rbp, rbp).jcc("e", n("done"));
    a.mov(64, rax, r14).mov(64, r11, rax);
    this.#state(r11, SlotState.dead);
    a.lockCmpxchg(64, at(rbp), r11).jcc("ne", n("done")).lockDec(32, this.#count);
    a.label(n("done")).xor(32, rax, rax);
    a.label(n("leave"));
    leave();

    a.label(n("withdraw")).mov(64, rax, rcx).mov(64, r11, rcx);
    this.#state(r11, SlotState.dead);
    a.lockCmpxchg(64, at(rbx), r11);
    a.label(n("undo")).lockDec(32, this.#count).pause().jmp(n("try"));
    if (evicts) this.#evict(n);
    else a.label(n("full")).lockDec(32, this.#count).movi(rax, -Errno.E2BIG).jmp(n("leave"));
    fail("busy", Errno.EBUSY);
    fail("exists", Errno.EEXIST);
    fail("missing", Errno.ENOENT);
    fail("invalid", Errno.EINVAL);
  }

  #copyValue(n: (label: string) => string): void {
    const a = this.#a;
    const { valueAt, image } = this.#place;
    if (image.valueSize <= UNROLLED) {
      for (const { at: offset, bits } of pieces(image.valueSize)) a.mov(bits, r11, at(rdx, offset)).mov(bits, at(r10, valueAt + offset), r11);
      return;
    }
    const words = Math.floor(image.valueSize / 8);
    a.xor(32, r9, r9);
    a.label(n("copy"))
      .mov(64, r11, at(rdx, 0, r9, 8))
      .mov(64, at(r10, valueAt, r9, 8), r11)
      .inc(32, r9)
      .groupi("cmp", 32, r9, words)
      .jcc("ne", n("copy"));
    for (const { at: offset, bits } of pieces(image.valueSize % 8))
      a.mov(bits, r11, at(rdx, words * 8 + offset)).mov(bits, at(r10, valueAt + words * 8 + offset), r11);
  }

  /** Takes out what was used longest ago in this window, and begins anew; where nothing is, the map holds one more. */
  #evict(n: (label: string) => string): void {
    const a = this.#a;
    const { window, controls, used, at: header } = this.#place;
    // r10: the victim, r14 its control, rax how long ago.
    a.label(n("evict")).mov(64, r8, r12).movi(r9, window).xor(32, r10, r10).xor(32, rax, rax);
    a.label(n("age"))
      .mov(64, r11, at(r8))
      .mov(32, rcx, r11)
      .groupi("and", 32, rcx, SlotState.mask)
      .groupi("cmp", 32, rcx, SlotState.live)
      .jcc("ne", n("ageNext"));
    a.push(r11).mov(64, rcx, r8).lea(r11, this.#data(controls)).sub(64, rcx, r11).shift("shr", 64, rcx, 1);
    a.lea(r11, this.#data(used))
      .mov(32, r11, at(r11, 0, rcx))
      .mov(32, rcx, this.#data(header + TableHeader.turn));
    a.lea(rcx, { base: rcx, index: rcx, scale: 1, disp: 2 }).sub(32, rcx, r11).pop(r11);
    a.cmp(32, rcx, rax).jcc("b", n("ageNext")).mov(32, rax, rcx).mov(64, r10, r8).mov(64, r14, r11);
    a.label(n("ageNext")).groupi("add", 64, r8, 8).dec(32, r9).jcc("ne", n("age"));
    a.test(64, r10, r10).jcc("e", n("none"));
    a.mov(64, rax, r14).mov(64, r11, rax);
    this.#state(r11, SlotState.dead);
    a.lockCmpxchg(64, at(r10), r11).jcc("ne", n("undo")).lockDec(32, this.#count).jmp(n("undo"));
    // Nothing to take out here: room for one more than the capacity, or none at all.
    a.label(n("none")).xor(32, rbp, rbp).test(64, rbx, rbx).jcc("ne", n("claim")).lockDec(32, this.#count).movi(rax, -Errno.E2BIG).jmp(n("leave"));
  }
}
