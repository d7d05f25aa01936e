// What does one instruction do? How often it runs, what it leaves in rax, and the addresses at which it faults.
//   sonde run examples/one-instruction.probe.ts -c 'ls -l /usr/lib' -- --at=libc:malloc
import { count, hash, hex, i64, param, print, u32, u64, uprobe } from "sonde";

const at = param("at", "libc:malloc", "the instruction: a function, or a place in it as libc:malloc+0x1c");

export const results = hash(i64, count(), { capacity: 1000, full: "evict" });
export const faults = hash(u64, count());
/** rax of each thread, as it came to the instruction. */
const before = hash(u32, i64);

uprobe(at, {
  before: (c) => before.set(c.tid, c.regs.rax),
  after: (c) => {
    if (before.get(c.tid) !== c.regs.rax) results.at(c.regs.rax).add();
  },
  fault: (c) => {
    print`${c.comm}[${c.pid}] got signal ${c.signal} at ${hex(c.address)}`;
    faults.at(c.address).add();
  },
});
