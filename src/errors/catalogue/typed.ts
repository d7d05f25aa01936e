/** The target's own types in handlers: what debug information doesn't say, and what can't be a value. */
import type { ScriptEntries } from "./entry.ts";

export const typed: ScriptEntries = {
  SONDE_C_NO_PLACE: {
    script: 'uprobe("app:handle", (c) => print`${c.args.size}`);',
    cause: "Debug information says that the compiler has removed the variable, or keeps it nowhere at this place.",
    mend: "Probe another place, where it is still needed; or take it from a register (`c.arg0`, `c.regs`), if you know in which it is.",
  },
  SONDE_C_NO_SIZE: {
    script: 'uprobe("app:handle", (c) => print`${c.args.data[3]}`); // data is a void *',
    cause: "A pointer is indexed by the size of what it points to, and that isn't known.",
    mend: "Say what lies there: `(p as Ptr<Name>)[i]`, or `read(p + offset, schema)`.",
  },
  SONDE_C_NO_VARIABLE: {
    script: 'uprobe("app:main.c:120", (c) => print`${c.vars.totl}`);',
    cause: "No variable of this name is in scope at the line.",
    mend: "Take one of those that the message names.",
  },
  SONDE_C_NO_VARIABLES: {
    script: 'uprobe("libc:malloc", (c) => print`${c.vars.size}`);',
    cause: "Variables are those of a line in the source, and debug information says where they are.",
    mend: 'Probe a line of a program that has debug information: uprobe("program:file.c:120", …).',
  },
  SONDE_C_POINTEE: {
    script: 'uprobe("app:handle", (c) => print`${(c.arg0 as Ptr<Reqest>).id}`);',
    cause: "`as Ptr<…>` takes structures of the probed function's debug information, integers, and pointers to them.",
    mend: "Take one of the near names that are suggested; without debug information use `read(p, schema)`.",
  },
  SONDE_C_STRUCTURE: {
    script: 'const seen = hash(u64, count());\nuprobe("app:handle", (c) => seen.at(c.args.request).add());',
    cause: "A structure of the target isn't a value: it can't be a key, carried or computed with as a whole.",
    mend: "Name the fields that are wanted, or read its bytes: `buf(x, length)`.",
  },
  SONDE_C_TYPE: {
    script: 'uprobe("app:scale", (c) => print`${c.args.factor}`); // factor is a long double',
    cause: "Handlers have no values of this type.",
    mend: "Read its bytes: `buf(…, 16)`, or a part of it by `read(…)`.",
  },
};
