/** A process with a bell: says the bell's number, and then for each time that it rings what was to be read. */
import { writeSync } from "node:fs";
import { Bell } from "../../../src/engines/breakpoint/tracer/bell.ts";
import { syscall } from "../../../src/sys/ffi/native.ts";
import { nr } from "../../../src/sys/numbers.ts";
import { Child, cont, Wait, wait } from "../../../src/sys/ptrace.ts";

const fd = Number(process.argv[2]);
const bell = Bell.start([fd]);
writeSync(1, `${bell.pid}\n`);
const found = { tid: 0, code: 0, status: 0 };
const bytes = new Uint8Array(4096);
for (;;) {
  wait(bell.pid, Wait.stopped | Wait.exited | Wait.all, found);
  if (found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped) break;
  const got = syscall(nr.read, fd, bytes, bytes.length);
  writeSync(1, got > 0 ? Buffer.from(bytes.subarray(0, got)).toString() : "over\n");
  if (got <= 0) break;
  cont(bell.pid);
}
bell.close();
