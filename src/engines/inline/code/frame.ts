/**
 * A trampoline's frame, on the stack of the thread that was hit, below the red zone:
 *
 *     rsp              frameBytes
 *     ┌────────────────┬────────┬──────────┬───────┬──────────────────┬──────────┐
 *     │ eBPF's frame   │ cookie │ CPU      │ flags │ saved registers  │ red zone │
 *     │ as far as used │        │          │       │                  │ 128      │ ◄ rsp of the program
 *     └────────────────┴────────┴──────────┴───────┴──────────────────┴──────────┘
 */
import { at, type Gpr, type Memory, rsp } from "../../../x86/assemble/assembler.ts";

export const RED_ZONE = 128;

export class TrampolineFrame {
  readonly bytes: number;
  readonly #ebpf: number;
  readonly #saved: readonly Gpr[];

  constructor(ebpfBytes: number, saved: ReadonlySet<Gpr>) {
    this.#ebpf = (ebpfBytes + 7) & ~7;
    this.#saved = [...saved].sort((a, b) => a - b);
    this.bytes = this.#ebpf + 24 + 8 * this.#saved.length;
  }
  /** All that rsp is moved by. */
  get total(): number {
    return this.bytes + RED_ZONE;
  }
  get saved(): readonly Gpr[] {
    return this.#saved;
  }
  /** At an offset from r10. */
  ebpf(offset: number): Memory {
    return at(rsp, this.#ebpf + offset);
  }
  get cookie(): Memory {
    return at(rsp, this.#ebpf);
  }
  get cpu(): Memory {
    return at(rsp, this.#ebpf + 8);
  }
  get flags(): Memory {
    return at(rsp, this.#ebpf + 16);
  }
  /** Where a register's value of before the hit is, if it was saved. */
  slot(register: Gpr): Memory | undefined {
    const index = this.#saved.indexOf(register);
    return index < 0 ? undefined : at(rsp, this.#ebpf + 24 + 8 * index);
  }
  /** The program's own stack, from the rsp that it was hit with. */
  above(offset: number): Memory {
    return at(rsp, this.total + offset);
  }
}
