// What kinds of files does each program open? The handler calls a function of another module.
//   sonde run examples/opened-files.probe.ts -c 'python3 -c "import json"'
import { comm, count, cstring, hash, str, uprobe } from "sonde";
import { kindOf } from "./path-kinds.ts";

export const opened = hash([comm, cstring(16)], count());
export const failed = hash([comm, cstring(96)], count(), { capacity: 1000, full: "evict" });

uprobe(["libc:open", "libc:open64", "libc:fopen", "libc:fopen64"], {
  enter: (c) => str(c.arg0, 96),
  leave: (c, path) => {
    const isStream = c.func.startsWith("f");
    const bad = isStream ? c.ret === 0 : c.ret << 32 < 0;
    if (bad) failed.at([c.comm, path]).add();
    else opened.at([c.comm, kindOf(path)]).add();
  },
});
