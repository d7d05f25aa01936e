/**
 * A tracer that watches files and does nothing else: it says whom it follows and where they are when they stop first.
 * On its stdin: "open PATH" (opens a file itself), "throw" (fails at the next who comes), "quit".
 *
 *     follow exec|open PID    then    exec PID RIP    or    look PID LIBRARY-IS-MAPPED
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { Bell } from "../../../src/engines/breakpoint/tracer/bell.ts";
import { FileWatch } from "../../../src/engines/breakpoint/tracer/file-watch.ts";
import { syscall } from "../../../src/sys/ffi/native.ts";
import { nr } from "../../../src/sys/numbers.ts";
import { Child, cont, detach, Event, getRegs, interrupt, newRegs, Option, Reg, seize, Wait, wait } from "../../../src/sys/ptrace.ts";

const files = process.argv.slice(2).map((path) => ({ path, display: path }));
const say = (text: string): number => writeSync(1, `${text}\n`);
let fail = false;
const watch = new FileWatch(files, {
  ignore: new Set([process.pid]),
  follow(pid, why, opener) {
    if (fail) {
      fail = false;
      throw new Error("asked to fail");
    }
    say(`follow ${why} ${pid}`);
    seize(opener, Option.exec);
    if (why === "open") interrupt(opener);
  },
});
const bell = Bell.start([0, watch.fd]);
say(`ready ${bell.pid}`);

const found = { tid: 0, code: 0, status: 0 };
const regs = newRegs();
const bytes = new Uint8Array(4096);
let over = false;
while (!over) {
  if (wait(0, Wait.stopped | Wait.exited | Wait.all, found) < 0) break;
  const { tid, code, status } = found;
  if (code === Child.exited || code === Child.killed || code === Child.dumped) continue;
  if (tid !== bell.pid) {
    if (status >> 8 === Event.exec) {
      getRegs(tid, regs);
      say(`exec ${tid} ${(regs[Reg.rip] as bigint).toString(16)}`);
    } else if (status >> 8 === Event.stop) {
      const maps = readFileSync(`/proc/${tid}/maps`, "utf8");
      say(`look ${tid} ${files.some(({ path }) => maps.includes(path))}`);
    }
    detach(tid, status >> 8 === 0 ? status & 0xff : 0);
    continue;
  }
  try {
    if (!watch.handle()) {
      say("over");
      over = true;
    }
  } catch (error) {
    say((error as Error).message);
  }
  const fds = new Int32Array(32);
  fds.set([0, 1]);
  if (!over && syscall(nr.poll, new Uint8Array(fds.buffer), 1, 0) > 0) {
    const got = syscall(nr.read, 0, bytes, bytes.length);
    const [what, path] = Buffer.from(bytes.subarray(0, Math.max(got, 0)))
      .toString()
      .trim()
      .split(" ");
    if (what === "open") {
      closeSync(openSync(path as string, "r"));
      say("opened");
    } else if (what === "throw") {
      fail = true;
      say("ok");
    } else over = true;
  }
  if (!over) cont(bell.pid);
}
bell.close();
watch.close();
say("ended");
