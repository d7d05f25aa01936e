/**
 * The helpers as machine code, once for an image: what programs call takes its arguments in the registers that the
 * translator keeps r1 to r5 in (rdi, rsi, rdx, rcx, r8), and gives its result in rax. A routine may change those and r9 to
 * r11; it never touches vectors, locks nothing, and never faults.
 *
 * The target's memory is read by the kernel (process_vm_readv on the process itself): another thread may unmap a page
 * between a test of ours and our own load. rcx and r11, which system calls change, are among what trampolines keep.
 */
import { Assembler, at, data, type Memory, r8, r9, r10, r11, rax, rcx, rdi, rdx, rsi, rsp } from "../../../x86/assemble/assembler.ts";
import type { RingPlace } from "../../memory/layout.ts";
import { CALL_BYTES, CALL_WINDOW, CALLS_LOG, HASH_FACTOR, Header, ProcessWord } from "../memory/layout.ts";
import { Ring } from "../memory/ring-words.ts";
import { TableCode } from "./table.ts";
import type { CodeTarget } from "./target.ts";

const Syscall = { getuid: 102, getgid: 104, prctl: 157, gettid: 186, process_vm_readv: 310 } as const;
const PR_GET_NAME = 16;
const EFAULT = 14;
const EINVAL = 22;
const EAGAIN = 11;
const COMM_BYTES = 16;

/** Calls of the trampolines' own. */
export const OwnRoutine = { heartbeat: "heartbeat", keepCall: "keepCall", takeCall: "takeCall" } as const;

/** In the place of which probe's call it is: nobody's, and nobody's any more. */
const CallMark = { free: -1, taken: -2 } as const;

/** What `takeCall` gives in rax. */
export const Call = { unknown: 0, found: 1, skipped: 2 } as const;

export interface Routines {
  readonly bytes: Uint8Array;
  /** By the helper's name, or `map3.lookup`. */
  readonly addresses: ReadonlyMap<string, number>;
}

/** All of an image's, to lie at `origin`. */
export function routines(origin: number, target: CodeTarget): Routines {
  const a = new Assembler(origin);
  const names: string[] = [];
  const routine = (name: string, write: (code: RoutineCode) => void): void => {
    a.align(16).label(name);
    write(new RoutineCode(a, target, name));
    names.push(name);
  };
  routine(OwnRoutine.heartbeat, (code) => code.heartbeat());
  routine(OwnRoutine.keepCall, (code) => code.keepCall());
  routine(OwnRoutine.takeCall, (code) => code.takeCall());
  routine("ktime_get_ns", (code) => code.time());
  routine("get_prandom_u32", (code) => code.random());
  routine("get_current_pid_tgid", (code) => code.thread());
  routine("get_current_uid_gid", (code) => code.user());
  routine("get_current_comm", (code) => code.comm());
  routine("probe_read_user", (code) => code.read());
  routine("copy_from_user", (code) => code.read());
  routine("probe_read_user_str", (code) => code.readText());
  routine("bpf_copy_from_user_str", (code) => code.copyText());
  routine("probe_read_kernel", (code) => code.copy());
  routine("probe_read_kernel_str", (code) => code.copyOwnText());
  target.layout.maps.forEach((place, map) => {
    const name = `map${map}`;
    if (place.kind === "ring") {
      routine(`${name}.reserve`, (code) => code.reserve(place));
      routine(`${name}.output`, (code) => code.output(place));
    } else if (place.kind === "array") {
      const of = { at: place.at, stride: place.stride, count: place.count, valueSize: place.image.valueSize };
      routine(`${name}.lookup`, (code) => code.element(of));
      routine(`${name}.update`, (code) => code.setElement(of));
      routine(`${name}.delete`, (code) => code.fail(EINVAL));
    } else {
      const table = new TableCode(a, target, map);
      table.lookup();
      table.update();
      table.delete();
      names.push(`${name}.lookup`, `${name}.update`, `${name}.delete`);
    }
  });
  routine("ringbuf_submit", (code) => code.submit(0));
  routine("ringbuf_discard", (code) => code.submit(Ring.discarded));
  const bytes = a.bytes();
  return { bytes, addresses: new Map(names.map((name) => [name, a.addressOf(name)])) };
}

interface Elements {
  readonly at: number;
  readonly stride: number;
  readonly count: number;
  readonly valueSize: number;
}

class RoutineCode {
  readonly #a: Assembler;
  readonly #target: CodeTarget;
  readonly #name: string;

  constructor(a: Assembler, target: CodeTarget, name: string) {
    this.#a = a;
    this.#target = target;
    this.#name = name;
  }
  #shared(offset: number): Memory {
    return data(this.#target.place.shared + offset);
  }
  #own(offset: number): Memory {
    return data(this.#target.place.own + offset);
  }
  #l(label: string): string {
    return `${this.#name}.${label}`;
  }

  fail(errno: number): void {
    this.#a.movi(rax, -errno).ret();
  }

  /** Switches the process's probes off when nobody looks after them any more. Changes no register but flags. */
  heartbeat(): void {
    const a = this.#a;
    const deadline = this.#shared(Header.deadline);
    a.push(rax).push(rdx).groupi("cmp", 64, deadline, 0).jcc("e", this.#l("end"));
    a.rdtsc().shift("shl", 64, rdx, 32).or(64, rax, rdx).cmp(64, rax, deadline).jcc("b", this.#l("end"));
    a.xor(32, rdx, rdx).xchg(32, this.#own(ProcessWord.enabled), rdx).test(32, rdx, rdx).jcc("e", this.#l("end"));
    a.lockInc(64, this.#shared(Header.stale));
    a.label(this.#l("end")).pop(rdx).pop(rax).ret();
  }

  /** r8: the first place of the call that was entered with rsp = rdi, and which: rsi. */
  #firstCall(): void {
    this.#a
      .movi(r11, HASH_FACTOR)
      .mov(64, r8, rdi)
      .imul(64, r8, r11)
      .shift("shr", 64, r8, 64 - CALLS_LOG)
      .shift("shl", 64, r8, Math.log2(CALL_BYTES))
      .lea(r11, this.#own(ProcessWord.calls))
      .add(64, r8, r11);
  }

  /**
   * rdi: rsp at the entry, rsi: which probe of which function, twice that and 1 if `leave` isn't to run, rdx: the cookie.
   * A place keeps its stack pointer when its call is over, and is `free` then: the next call there finds it at once. Only the
   * thread on that stack has this key; another may take the place while it is free, by way of `taken`. What is left from a
   * call that was never returned from is overwritten by the next one there; in a full window the deepest one on a lower
   * address goes.
   */
  keepCall(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    const begin = (): void => {
      this.#firstCall();
      a.movi(r9, CALL_WINDOW).xor(32, r10, r10);
    };
    begin();
    a.label(l("look")).mov(64, rax, at(r8)).cmp(64, rax, rdi).jcc("e", l("same")).test(64, rax, rax).jcc("e", l("empty"));
    a.test(64, r10, r10).jcc("ne", l("next")).groupi("cmp", 64, at(r8, 8), CallMark.free).cmov("e", 64, r10, r8);
    a.label(l("next")).groupi("add", 64, r8, CALL_BYTES).dec(32, r9).jcc("ne", l("look"));
    a.test(64, r10, r10).jcc("e", l("full"));
    a.movi(rax, CallMark.free).movi(r11, CallMark.taken).lockCmpxchg(64, at(r10, 8), r11).jcc("ne", l("again")).mov(64, at(r10), rdi);
    a.label(l("write")).mov(64, at(r10, 16), rdx).mov(64, at(r10, 8), rsi).ret();
    a.label(l("empty")).lockCmpxchg(64, at(r8), rdi).jcc("ne", l("look")).mov(64, r10, r8).jmp(l("write"));
    // The same stack pointer: an earlier call, another probe of this one, or what is left of one that is over.
    a.label(l("same")).mov(64, r10, r8).mov(64, rax, at(r8, 8)).groupi("cmp", 64, rax, CallMark.free).jcc("ne", l("other"));
    a.lockCmpxchg(64, at(r8, 8), rsi).jcc("ne", l("again"));
    // Meanwhile it may have become another's, and free once more.
    a.cmp(64, rdi, at(r8)).jcc("e", l("write")).store(64, at(r8, 8), CallMark.free).jmp(l("again"));
    a.label(l("other")).xor(64, rax, rsi).groupi("cmp", 64, rax, 1).jcc("be", l("write")).xor(32, r10, r10).jmp(l("next"));
    a.label(l("again"));
    begin();
    a.jmp(l("look"));
    a.label(l("full"));
    this.#firstCall();
    a.movi(r9, CALL_WINDOW).mov(64, r10, r8);
    a.label(l("deep"))
      .mov(64, rax, at(r8))
      .cmp(64, rax, rdi)
      .jcc("ae", l("deepNext"))
      .mov(64, rcx, at(r10))
      .cmp(64, rcx, rdi)
      .jcc("ae", l("deeper"))
      .cmp(64, rax, rcx)
      .jcc("ae", l("deepNext"));
    a.label(l("deeper")).mov(64, r10, r8);
    a.label(l("deepNext")).groupi("add", 64, r8, CALL_BYTES).dec(32, r9).jcc("ne", l("deep"));
    a.mov(64, rax, at(r10)).lockCmpxchg(64, at(r10), rdi).jcc("ne", l("again")).jmp(l("write"));
  }

  /** rdi: rsp at the entry, rsi: which, twice → rax: `Call`, rdx: the cookie. The place is free again. */
  takeCall(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    this.#firstCall();
    a.movi(r9, CALL_WINDOW);
    a.label(l("look")).mov(64, rax, at(r8)).cmp(64, rax, rdi).jcc("e", l("candidate")).test(64, rax, rax).jcc("e", l("lost"));
    a.label(l("next")).groupi("add", 64, r8, CALL_BYTES).dec(32, r9).jcc("ne", l("look"));
    a.label(l("lost")).lockInc(64, this.#shared(Header.lostReturns)).xor(32, rax, rax).ret();
    a.label(l("candidate")).mov(64, rax, at(r8, 8)).xor(64, rax, rsi).groupi("cmp", 64, rax, 1).jcc("a", l("next"));
    a.mov(64, rdx, at(r8, 16)).inc(32, rax).store(64, at(r8, 8), CallMark.free).ret();
  }

  /** Monotonic ns: of the time stamp counter, by the scale that the session keeps. */
  time(): void {
    const a = this.#a;
    // Another scale may have come in between; the one that was read is good for a long time after.
    a.mov(32, r8, this.#shared(Header.clock)).groupi("and", 32, r8, 1).shift("shl", 32, r8, Math.log2(Header.scaleBytes));
    a.lea(r9, this.#shared(Header.scales)).add(64, r8, r9);
    a.rdtsc().shift("shl", 64, rdx, 32).or(64, rax, rdx).sub(64, rax, at(r8)).mul(64, at(r8, 16)).shrd(rax, rdx, 32).add(64, rax, at(r8, 8)).ret();
  }

  /** splitmix64 of a shared count. */
  random(): void {
    const a = this.#a;
    a.movi(rax, 0x9e37_79b9_7f4a_7c15n).lockXadd(64, this.#shared(Header.seed), rax);
    for (const [shift, factor] of [
      [30, 0xbf58_476d_1ce4_e5b9n],
      [27, 0x94d0_49bb_1331_11ebn],
    ] as const) {
      a.mov(64, rdx, rax).shift("shr", 64, rdx, shift).xor(64, rax, rdx).movi(rdx, factor).imul(64, rax, rdx);
    }
    a.mov(64, rdx, rax).shift("shr", 64, rdx, 31).xor(64, rax, rdx).mov(32, rax, rax).ret();
  }

  /** The process in the upper half, the thread in the lower. */
  thread(): void {
    const a = this.#a;
    const tidAt = this.#own(ProcessWord.tidAt);
    a.movsx(32, rdx, tidAt).test(32, rdx, rdx).jcc("e", this.#l("ask")).mov(32, rax, { base: rdx, disp: 0, fs: true });
    a.label(this.#l("join")).mov(32, rdx, this.#own(ProcessWord.pid)).shift("shl", 64, rdx, 32).or(64, rax, rdx).ret();
    a.label(this.#l("ask")).movi(rax, Syscall.gettid).syscall().mov(32, rax, rax).jmp(this.#l("join"));
  }

  user(): void {
    const a = this.#a;
    a.movi(rax, Syscall.getgid)
      .syscall()
      .mov(32, rdx, rax)
      .shift("shl", 64, rdx, 32)
      .movi(rax, Syscall.getuid)
      .syscall()
      .mov(32, rax, rax)
      .or(64, rax, rdx)
      .ret();
  }

  /** rdi: to, rsi: size. */
  comm(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.groupi("sub", 64, rsp, COMM_BYTES).push(rdi).push(rsi);
    a.movi(rdi, PR_GET_NAME).lea(rsi, at(rsp, 16)).movi(rax, Syscall.prctl).syscall().pop(rsi).pop(rdi);
    a.store(8, at(rsp, COMM_BYTES - 1), 0)
      .xor(32, r8, r8)
      .test(64, rsi, rsi)
      .jcc("e", l("end"));
    a.label(l("next")).xor(32, rax, rax).groupi("cmp", 32, r8, COMM_BYTES).jcc("ae", l("put")).lea(rdx, at(r8, 1)).cmp(64, rdx, rsi).jcc("e", l("put"));
    a.movzx(8, rax, at(rsp, 0, r8));
    a.label(l("put"))
      .mov(8, at(rdi, 0, r8), rax)
      .inc(64, r8)
      .cmp(64, r8, rsi)
      .jcc("b", l("next"));
    a.label(l("end")).xor(32, rax, rax).groupi("add", 64, rsp, COMM_BYTES).ret();
  }

  /** The kernel copies rsi bytes from rdx to rdi; rax: how many, or less than 1. Uses r8 to r11, rcx; rdi, rsi and rdx stay. */
  #readOwn(): void {
    const a = this.#a;
    a.push(rdi).push(rsi).push(rdx);
    // Both struct iovec: { where, size }.
    a.push(rsi).push(rdx).push(rsi).push(rdi);
    a.mov(32, rdi, this.#own(ProcessWord.ownPid)).mov(64, rsi, rsp).movi(rdx, 1).lea(r10, at(rsp, 16)).movi(r8, 1).xor(32, r9, r9);
    a.movi(rax, Syscall.process_vm_readv).syscall().groupi("add", 64, rsp, 32).pop(rdx).pop(rsi).pop(rdi);
  }

  /** Zeros from rdi+r8 up to rdi+rsi. */
  #clear(label: string): void {
    const a = this.#a;
    a.label(this.#l(label))
      .cmp(64, r8, rsi)
      .jcc("ae", this.#l(`${label}.end`))
      .store(8, at(rdi, 0, r8), 0)
      .inc(64, r8)
      .jmp(this.#l(label));
    a.label(this.#l(`${label}.end`));
  }

  /** rdi: to, rsi: size, rdx: address → 0, or -EFAULT and zeros. */
  read(): void {
    const a = this.#a;
    a.xor(32, rax, rax).test(64, rsi, rsi).jcc("e", this.#l("end"));
    this.#readOwn();
    a.cmp(64, rax, rsi).jcc("e", this.#l("whole")).xor(32, r8, r8);
    this.#clear("clear");
    a.movi(rax, -EFAULT).ret();
    a.label(this.#l("whole")).xor(32, rax, rax);
    a.label(this.#l("end")).ret();
  }

  /** r8: the index of the first NUL in the rax bytes at rdi, or rax if there is none. */
  #findNul(found: string): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.xor(32, r8, r8);
    a.label(l("scan"))
      .cmp(64, r8, rax)
      .jcc("ge", l("scanned"))
      .groupi("cmp", 8, at(rdi, 0, r8), 0)
      .jcc("e", found)
      .inc(64, r8)
      .jmp(l("scan"));
    a.label(l("scanned"));
  }

  /** rdi: to, rsi: size, rdx: address → bytes with the NUL, or -EFAULT and zeros. */
  readText(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.xor(32, rax, rax).test(64, rsi, rsi).jcc("e", l("end"));
    this.#readOwn();
    this.#findNul(l("found"));
    a.cmp(64, rax, rsi)
      .jcc("ne", l("fault"))
      .store(8, at(rdi, -1, rsi), 0)
      .ret();
    a.label(l("fault")).xor(32, r8, r8);
    this.#clear("zero");
    a.movi(rax, -EFAULT).ret();
    // Nothing of what lies behind the text.
    a.label(l("found")).push(rsi).mov(64, rsi, rax).lea(rax, at(r8, 1));
    this.#clear("rest");
    a.pop(rsi);
    a.label(l("end")).ret();
  }

  /** rdi: to, rsi: size, rdx: address, rcx: 1: the rest is cleared → bytes with the NUL, or -EFAULT. */
  copyText(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.mov(32, rsi, rsi).groupi("cmp", 64, rcx, 1).jcc("a", l("invalid"));
    a.xor(32, rax, rax).test(64, rsi, rsi).jcc("e", l("end")).push(rcx).dec(64, rsi).jcc("e", l("read"));
    this.#readOwn();
    a.label(l("read"));
    this.#findNul(l("found"));
    a.cmp(64, rax, rsi).jcc("e", l("found"));
    a.pop(rcx).inc(64, rsi).xor(32, r8, r8).test(32, rcx, rcx).jcc("e", l("failed"));
    this.#clear("zero");
    a.label(l("failed")).movi(rax, -EFAULT).ret();
    // Behind the text: to the end if it is asked for, else what was read of it.
    a.label(l("found")).pop(rcx).inc(64, rsi).lea(r9, at(rax, 1)).test(32, rcx, rcx).cmov("e", 64, rsi, r9).lea(rax, at(r8, 1));
    this.#clear("rest");
    a.label(l("end")).ret();
    a.label(l("invalid")).movi(rax, -EINVAL).ret();
  }

  /** rdi: to, rsi: size, rdx: from; both the program's own, and they don't overlap. */
  copy(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.xor(32, r8, r8);
    a.label(l("words"))
      .lea(r9, at(r8, 8))
      .cmp(64, r9, rsi)
      .jcc("a", l("bytes"))
      .mov(64, rax, at(rdx, 0, r8))
      .mov(64, at(rdi, 0, r8), rax)
      .mov(64, r8, r9)
      .jmp(l("words"));
    a.label(l("bytes"))
      .cmp(64, r8, rsi)
      .jcc("ae", l("end"))
      .movzx(8, rax, at(rdx, 0, r8))
      .mov(8, at(rdi, 0, r8), rax)
      .inc(64, r8)
      .jmp(l("bytes"));
    a.label(l("end")).xor(32, rax, rax).ret();
  }

  /** rdi: to, rsi: size, rdx: from → bytes with the NUL. */
  copyOwnText(): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.xor(32, rax, rax).test(64, rsi, rsi).jcc("e", l("end"));
    a.label(l("next"))
      .mov(64, r8, rax)
      .inc(64, rax)
      .cmp(64, rax, rsi)
      .jcc("e", l("last"))
      .movzx(8, r9, at(rdx, 0, r8))
      .mov(8, at(rdi, 0, r8), r9)
      .test(32, r9, r9)
      .jcc("ne", l("next"))
      .ret();
    a.label(l("last")).store(8, at(rdi, 0, r8), 0);
    a.label(l("end")).ret();
  }

  /** rsi: the index → the value's address, or 0. */
  element({ at: first, stride, count }: Elements): void {
    const a = this.#a;
    a.mov(32, rsi, at(rsi)).xor(32, rax, rax).groupi("cmp", 32, rsi, count).jcc("ae", this.#l("end"));
    a.imuli(64, rsi, rsi, stride).lea(rax, this.#shared(first)).add(64, rax, rsi);
    a.label(this.#l("end")).ret();
  }

  /** rsi: the index, rdx: the value, rcx: flags. */
  setElement({ at: first, stride, count, valueSize }: Elements): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    a.groupi("cmp", 64, rcx, 2)
      .jcc("a", l("invalid"))
      .mov(32, rsi, at(rsi))
      .groupi("cmp", 32, rsi, count)
      .jcc("ae", l("outside"))
      .groupi("cmp", 32, rcx, 1)
      .jcc("e", l("exists"));
    a.imuli(64, rsi, rsi, stride).lea(rdi, this.#shared(first)).add(64, rdi, rsi).movi(rsi, valueSize);
    this.copy();
    a.label(l("invalid")).movi(rax, -EINVAL).ret();
    a.label(l("outside")).movi(rax, -7).ret();
    a.label(l("exists")).movi(rax, -17).ret();
  }

  /** rsi: size → the payload's address, or 0. ring.ts says how. */
  reserve(place: RingPlace): void {
    const a = this.#a;
    const l = (label: string): string => this.#l(label);
    const producer = this.#shared(place.at + Ring.producer);
    a.groupi("cmp", 64, rsi, place.size - Ring.headBytes).jcc("a", l("none"));
    a.lea(rdx, at(rsi, Ring.headBytes + 7)).groupi("and", 32, rdx, -8);
    // rax: the position, r8: in the ring, r9: bytes up to its end, rdx: the record's, rcx: with what is skipped.
    a.label(l("try"))
      .mov(32, rax, producer)
      .mov(32, r8, rax)
      .groupi("and", 32, r8, place.size - 1)
      .movi(r9, place.size)
      .sub(32, r9, r8);
    a.mov(32, rcx, rdx).cmp(32, r9, rdx).jcc("ae", l("fits")).add(32, rcx, r9);
    a.label(l("fits"))
      .mov(32, r10, rax)
      .sub(32, r10, this.#shared(place.at + Ring.consumer))
      .movi(r11, place.size)
      .sub(32, r11, r10)
      .cmp(32, rcx, r11)
      .jcc("a", l("none"));
    a.lea(r10, at(rax, 0, rcx))
      .lockCmpxchg(32, producer, r10)
      .jcc("ne", l("try"));
    a.lea(r11, this.#shared(place.data)).cmp(32, rcx, rdx).jcc("e", l("head"));
    a.lea(rax, at(r9, -Ring.headBytes))
      .groupi("or", 32, rax, Ring.discarded | Ring.present)
      .mov(64, at(r11, 0, r8), rax)
      .xor(32, r8, r8);
    a.label(l("head"))
      .mov(32, rax, this.#own(ProcessWord.pid))
      .shift("shl", 64, rax, 32)
      .mov(32, rcx, rsi)
      .groupi("or", 32, rcx, Ring.busy | 0)
      .or(64, rax, rcx);
    a.mov(64, at(r11, 0, r8), rax)
      .lea(rax, at(r11, Ring.headBytes, r8))
      .ret();
    a.label(l("none")).xor(32, rax, rax).ret();
  }

  /** rdi: the payload. */
  submit(flag: number): void {
    const a = this.#a;
    const head = at(rdi, -Ring.headBytes);
    a.mov(32, rax, head)
      .groupi("and", 32, rax, Ring.length)
      .groupi("or", 32, rax, Ring.present | flag)
      .mov(32, head, rax)
      .xor(32, rax, rax)
      .ret();
  }

  /** rsi: from, rdx: size. */
  output(place: RingPlace): void {
    const a = this.#a;
    const ring = this.#name.slice(0, this.#name.indexOf("."));
    void place;
    a.push(rsi).push(rdx).mov(64, rsi, rdx).call(`${ring}.reserve`).pop(rsi).pop(rdx).test(64, rax, rax).jcc("e", this.#l("none"));
    a.mov(64, rdi, rax).call("probe_read_kernel").jmp("ringbuf_submit");
    a.label(this.#l("none")).movi(rax, -EAGAIN).ret();
  }
}
