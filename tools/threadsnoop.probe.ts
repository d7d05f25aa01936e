// Shows each thread that is made: by whom, and the function that it starts with.
//   sonde run tools/threadsnoop.probe.ts
//   sonde run tools/threadsnoop.probe.ts -c 'xz -T4 -k FILE'
// At the end: how many, by program. Threads made by clone() directly (Go's) aren't seen.
import { comm, count, duration, hash, print, sym, u64, uprobe } from "sonde";

const began = process.hrtime.bigint();
export const threads = hash(comm, count());

uprobe("libc:pthread_create", {
  enter: (c) => c.args.start_routine,
  leave: (c, start) => {
    if (c.ret !== 0) {
      print`${duration(c.time - u64(began))}  ${c.comm}[${c.pid}] could not make a thread for ${sym(start)}: error ${c.ret}`;
      return;
    }
    threads.at(c.comm).add();
    print`${duration(c.time - u64(began))}  ${c.comm}[${c.pid}] ${sym(start)}`;
  },
});
