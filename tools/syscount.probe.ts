// Which system calls are made most, and by whom; at the end, or when it is stopped.
//   sonde run tools/syscount.probe.ts --for 5s
//   sonde run tools/syscount.probe.ts -c 'tar cf /dev/null /etc'
//   sonde run tools/syscount.probe.ts --for 5s -- --top=20
import { comm, count, end, hash, param, print, tracepoint, u32 } from "sonde";
import { syscallName } from "./syscall-names.ts";

const top = param("top", 10, "how many are shown of each");
const byCall = hash(u32, count());
const byProgram = hash(comm, count());

tracepoint("raw_syscalls:sys_enter", (c) => {
  byCall.at(c.args.id).add();
  byProgram.at(c.comm).add();
});

function table(title: string, rows: readonly (readonly [string, bigint])[]): void {
  print`${title}`;
  for (const [name, n] of rows.toSorted((a, b) => (a[1] < b[1] ? 1 : -1)).slice(0, top)) print`  ${name.padEnd(24)} ${String(n).padStart(10)}`;
}
end(() => {
  table(
    "System calls:",
    byCall.entries().map(([id, n]) => [syscallName(id), n] as const),
  );
  table("Programs:", byProgram.entries());
});
