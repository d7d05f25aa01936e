/** Stacks of traced threads: unwound by the tables that their programs have for exceptions, which needs no frame pointers. */

import { codeSegment } from "../../../elf/image.ts";
import { unlessRefused } from "../../../errors/unless-refused.ts";
import { FILE_BYTES } from "../../../schema/stack.ts";
import { pagedMemory } from "../../../symbols/unwind/memory.ts";
import { ModuleFiles, ProcessModules } from "../../../symbols/unwind/modules.ts";
import { registersOf } from "../../../symbols/unwind/registers.ts";
import { type Unwound, unwind } from "../../../symbols/unwind/unwind.ts";
import { Reg } from "../../../sys/ptrace.ts";
import type { Space } from "./space.ts";

export class Stacks {
  readonly #files = new ModuleFiles();
  /** A space is a program: what it maps is kept until it executes another one. */
  readonly #modules = new WeakMap<Space, ProcessModules>();

  /** Addresses of code, innermost first, at most `most`. `file`: pt_regs. */
  of(space: Space, file: ArrayLike<bigint>, most: number): number[] {
    const modules = this.#modulesOf(space);
    if (modules === undefined) return [Number(file[Reg.rip])];
    let stack = this.#unwind(space, modules, file, most);
    // Something may have been mapped since.
    if (stack.end.k === "unmapped" && modules.update()) stack = this.#unwind(space, modules, file, most);
    return stack.frames.map(({ pc }) => pc);
  }

  /** In which files they are, as the kernel says it: into structures of bpf_stack_build_id. */
  describe(space: Space, addresses: readonly number[], into: DataView, most: number): void {
    const modules = this.#modulesOf(space);
    for (const [i, address] of addresses.slice(0, most).entries()) {
      const mapped = modules?.at(address);
      const { buildId, image } = mapped?.module ?? {};
      const segment = image && mapped && codeSegment(image, address - mapped.bias);
      if (buildId === undefined || segment === undefined || mapped === undefined) continue;
      into.setInt32(FILE_BYTES * i, IN_FILE, true);
      for (let at = 0; at < ID_BYTES; at++) into.setUint8(FILE_BYTES * i + 4 + at, Number.parseInt(buildId.slice(2 * at, 2 * at + 2), 16) || 0);
      into.setBigUint64(FILE_BYTES * i + 24, BigInt(address - mapped.bias - segment.address + segment.offset), true);
    }
  }

  #modulesOf(space: Space): ProcessModules | undefined {
    let modules = this.#modules.get(space);
    if (modules === undefined) {
      modules = unlessRefused(() => ProcessModules.record(space.pid, this.#files));
      if (modules !== undefined) this.#modules.set(space, modules);
    }
    return modules;
  }

  #unwind(space: Space, modules: ProcessModules, file: ArrayLike<bigint>, most: number): Unwound {
    const memory = pagedMemory((address, into) => space.memory.read(address, into));
    return unwind(registersOf(file), { memory, codeAt: (address) => modules.at(address) }, { most });
  }
}

/** BPF_STACK_BUILD_ID_VALID, BPF_BUILD_ID_SIZE. */
const IN_FILE = 1;
const ID_BYTES = 20;
