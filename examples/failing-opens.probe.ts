// Does a program endure files that can't be opened? Some of its opens fail, as if it had no right to.
//   sonde run examples/failing-opens.probe.ts --unsafe -c 'cat /etc/hostname /etc/passwd /etc/group' -- --every=2
import { intercept, param, print } from "sonde";

const every = param("every", 3, "each so many-th open fails");
const below = param("below", "/etc/", "only of paths that begin so");

// Host code: a plain variable will do, and so would a file, a database or a question to somebody.
let opens = 0;

intercept(["libc:open", "libc:open64"], {
  enter(c) {
    const path = c.memory.text(c.arg0);
    if (path.startsWith(below) && ++opens % every === 0) {
      print`${c.comm}[${c.pid}] may not open ${path}`;
      c.skip(-1, { errno: "EACCES" });
    }
    return path;
  },
  leave(c, path) {
    if (c.errno !== undefined) print`${c.comm}[${c.pid}] could not open ${path}: ${c.errno}`;
  },
});
