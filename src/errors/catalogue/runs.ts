/** Errors of scripts and programs when they run, of command lines, and of sonde itself. */
import type { RunEntries } from "./entry.ts";

export const commands: RunEntries = {
  SONDE_USAGE: {
    cause: "Options of the command line contradict each other, or one is missing.",
    example: "sonde run script.ts -p 1234 -c 'gzip big.log'",
    mend: "The message says which; sonde COMMAND --help has examples.",
  },
  SONDE_COMMAND_NOT_FOUND: {
    cause: "The program given by -c or behind -- isn't there.",
    example: "sonde -e 'SCRIPT' -c 'gzp -k big.log'",
    mend: "Give a path, or a name that is found in PATH. No shell runs it: sh -c '…' does.",
  },
  SONDE_COMMAND_QUOTING: {
    cause: "The command given by -c has an unclosed quote, or an operator that only a shell knows.",
    example: "sonde -e 'SCRIPT' -c 'cat log | sort'",
    mend: "Close the quote; or run a shell and probe what it starts: -c \"sh -c 'cat log | sort'\" --children.",
  },
  SONDE_COMMAND_START: {
    cause: "The program is there and can't be started, or couldn't be held before its own code.",
    example: "sonde -e 'SCRIPT' -c ./server",
    mend: "The folder of sonde's cache must allow programs to be run (no noexec): set XDG_CACHE_HOME to one that does.",
  },
  SONDE_PROCESS_NOT_FOUND: {
    cause: "No process has this number or name, or it has ended.",
    example: "sonde run script.ts -p nginx",
    mend: "Check it with ps; or start the program by sonde: -c './nginx'.",
  },
  SONDE_PROCESS_PERMISSION: {
    cause: "This user may not look into the process.",
    example: "sonde run script.ts -p 1",
    mend: "Run as root or as the process's owner.",
  },
  SONDE_PROCESS_THREAD: {
    cause: "The number is a thread's; probes are filtered by process.",
    example: "sonde run script.ts -p 1235",
    mend: "Give the process that the message names, and test c.tid in the handler.",
  },
  SONDE_OUTPUT: {
    cause: "The file of -o can't be written, or the output couldn't be.",
    example: "sonde run script.ts -o /no/such/folder/out.txt",
    mend: "Give a path that can be written.",
  },
  SONDE_EXISTS: {
    cause: "sonde init found a tsconfig.json, and doesn't change it.",
    example: "sonde init",
    mend: 'Add the "paths" that the message has to its compilerOptions.',
  },
  SONDE_DEMO: {
    cause: "The demo's workload couldn't be started.",
    example: "sonde demo",
    mend: "It needs /bin/sh and the commonest tools; run a script of your own instead.",
  },
  SONDE_PARAM_SYNTAX: {
    cause: "A word behind -- isn't of the form --name=value.",
    example: "sonde run script.ts -- slow",
    mend: "Write --slow=5, or --slow 5. A command to start is given by -c.",
  },
  SONDE_PARAM_UNKNOWN: {
    cause: "The script has no parameter of that name.",
    example: "sonde run script.ts -- --slo=5",
    mend: "sonde run script.ts --params lists them.",
  },
  SONDE_PARAM_VALUE: {
    cause: "The value isn't of the parameter's type, which is that of its default.",
    example: "sonde run script.ts -- --slow=often",
    mend: "Give a number for a number, true or false for a boolean.",
  },
  SONDE_TYPE_NOT_FOUND: {
    cause: "The kernel's type information has no structure, union, enumeration or typedef of that name.",
    example: "sonde types kernel task",
    mend: "Take one of the near names that are suggested. Names are written without `struct`.",
  },
  SONDE_INTERCEPT_ARGUMENT: {
    cause:
      "A function given to intercept() uses `c.arg0` and the like of functions that don't have them in one register: of Go and others together, or of Go before 1.17.",
    example: 'intercept(["./gopher:main.add", "./server:add"], { enter: (c) => console.log(c.arg0) })',
    mend: "Register functions of Go and others apart.",
  },
  SONDE_PERIOD: {
    cause: "A timer's period or rate isn't a number with a unit, or it is shorter or longer than the kernel's timers can be.",
    example: "sonde -e 'interval(\"1us\", (c) => print`${c.time}`)'",
    mend: "Write a period from 10us to 24h (interval), or a rate of at most 100000hz (profile).",
  },
  SONDE_TRACEPOINT_NOT_FOUND: {
    cause: "No tracepoint of this kernel has that name or matches the wildcard.",
    example: "sonde types kernel 'sched:sched_swich'",
    mend: "Take one of the near names that are suggested; one of a module is there when the module is loaded.",
  },
};

export const scripts: RunEntries = {
  SONDE_SCRIPT_NOT_FOUND: { cause: "There is no file of the script's name.", example: "sonde run nothing.ts", mend: "Check the path." },
  SONDE_SCRIPT_UNREADABLE: {
    cause: "The script is a folder, larger than a script can be, or may not be read.",
    example: "sonde run ./scripts",
    mend: "Name the script's file, and give yourself the right to read it.",
  },
  SONDE_SCRIPT_KIND: {
    cause: "The file's name doesn't say that it is TypeScript.",
    example: "sonde run script.js",
    mend: "Give it a name that ends in .ts or .mts: JavaScript may be called so as it is.",
  },
  SONDE_SCRIPT_ERRORS: {
    cause: "The script doesn't compile. The command line shows each error with its own code; the library throws them as one.",
    example: 'await open("./wrong.probe.ts");',
    mend: "sonde check FILE shows them all, without running.",
  },
  SONDE_SCRIPT_THREW: {
    cause: "The top level of the script, or a function given to begin() or end(), threw.",
    example: 'begin(() => { throw new Error("no configuration"); });',
    mend: "The message has the script's own error and its line.",
  },
  SONDE_SCRIPT_ONLY: {
    cause: "Something of the vocabulary was called in a program that sonde doesn't run: there are no probes it could belong to.",
    example: "node -e 'import(\"sonde\").then(({ count }) => count())'",
    mend: 'Put it into a file of its own and run that: sonde run FILE.ts, or open("./FILE.ts") from the program.',
  },
  SONDE_IMPORT: {
    cause: "The script imports a package that isn't installed.",
    example: 'import chalk from "chalk";',
    mend: "Run npm install in the script's folder.",
  },
  SONDE_NO_PROBES: {
    cause: "The script registers no probe, so there is nothing to run for.",
    example: "sonde -e 'const n = count();'",
    mend: 'Write for instance uprobe("libc:malloc", (c) => …) at its top level.',
  },
  SONDE_NESTED: {
    cause: "A script called open(), which is for programs.",
    example: 'open("./other.probe.ts");',
    mend: "Run both scripts, or import the one as a module of the other.",
  },
  SONDE_TOO_LATE: {
    cause: "A probe, map or parameter was made when the session was armed already.",
    example: 'setTimeout(() => uprobe("libc:malloc", () => {}), 1000);',
    mend: "Register everything while the script loads; a variable(bool, false) turns a probe on later.",
  },
  SONDE_HANDLER: {
    cause: "The handler wasn't compiled: the call stands where sonde doesn't see it; or the handlers of intercept() aren't functions.",
    example: "eval('uprobe(\"libc:malloc\", () => {})');",
    mend: "Register probes in the script, or in a TypeScript module that it imports by a relative path, and write the handler in the call.",
  },
  SONDE_HANDLER_METHOD: {
    cause: "A method that belongs to handlers was called on the host's side.",
    example: "begin(() => (calls as any).add());",
    mend: "The host reads by read(), entries() and iteration, and writes by set().",
  },
  SONDE_OPTION: {
    cause: "An argument or option of the vocabulary isn't of its kind.",
    example: 'uprobe("libc:malloc", () => {}, { pid: -1 } as never);',
    mend: "The message says what is wanted; editors that know the declarations show it while you type.",
  },
  SONDE_SCHEMA: {
    cause: "Where a type is wanted, something else stands.",
    example: "const sizes = hash(undefined as never, count());",
    mend: "Give a type such as u32, comm, cstring(64) or struct({ … }).",
  },
  SONDE_VALUE: {
    cause: "A value doesn't fit the type of the map, variable or event that it is given to.",
    example: 'variable(u32, "many" as never);',
    mend: "Give what the type holds: whole numbers or bigints for integers, an object with all fields for a structure.",
  },
  SONDE_PRINT: {
    cause: "print is a template's tag and was called like a function.",
    example: 'begin(() => (print as any)("calls"));',
    mend: "Write the text between backticks right behind it: print`calls`.",
  },
  SONDE_UNSAFE: {
    cause: "The script can change the target, and the run doesn't permit that.",
    example: 'intercept("libc:getuid", { leave: (c) => { c.ret = 0n; } });',
    mend: "Run with --unsafe (in the library `unsafe: true`) if that is meant; uprobe() only observes.",
  },
  SONDE_ABORTED: {
    cause: "The signal given to open() was aborted before the session began.",
    example: 'await open("./a.probe.ts", { signal: AbortSignal.abort() });',
    mend: "Nothing was armed: open a session with a signal that is still good.",
  },
  SONDE_CALL_GONE: {
    cause: "What intercept() hands to its functions was used after the call had gone on.",
    example: 'intercept("libc:open", { enter: (c) => { setTimeout(() => c.memory.text(c.arg0), 9); } });',
    mend: "Read what is needed before; or make the function async and await what it waits for.",
  },
  SONDE_ERRNO: {
    cause: "There is no error of that name, or an error was cleared by setting it to undefined.",
    example: 'intercept("libc:open", { leave: (c) => { c.errno = "ENOTHING"; } });',
    mend: 'Give the name as errno(3) has it, such as "ENOENT"; a call is made to succeed by assigning c.ret.',
  },
  SONDE_MEMORY: {
    cause: "The target's memory at this address can't be read or written by the function given to intercept().",
    example: 'intercept("libc:open", { enter: (c) => { c.memory.read(0n, 8); } });',
    mend: "Check that it is an address, and of memory that is mapped.",
  },
  SONDE_MEMORY_UNREADABLE: {
    cause: "The bytes at an address of the target can't be read: nothing is mapped there, or not for reading.",
    example: 'intercept("libc:puts", { enter: (c) => { c.memory.text(1n); } });',
    mend: "Check the address; a NULL pointer is the commonest.",
  },
  SONDE_MEMORY_UNWRITABLE: {
    cause: "The bytes at an address of the target can't be written: nothing is mapped there.",
    example: 'intercept("libc:read", { leave: (c) => { c.memory.write(1n, "x"); } });',
    mend: "Check the address, and that the memory is there when the call returns.",
  },
  SONDE_STATE_SIZE: {
    cause: "The session's maps together need more memory than it can share with its engine.",
    example: "const all = hash(cstring(4096), count(), { capacity: 100_000_000 });",
    mend: "Give the map a smaller capacity, or smaller keys.",
  },
  SONDE_COST: {
    cause: "What hits cost here is measured on a program of sonde's own, once; that didn't do what it should.",
    example: "sonde run a.probe.ts --budget 5%",
    mend: "Try again; if it happens again, it is a bug in sonde. Without --budget and --estimate nothing is measured.",
  },
  SONDE_SIMULATE: {
    cause: "What was asked of a simulation has no handler in its script, or can't be simulated.",
    example: 'sim.hit("libc:maloc");',
    mend: "Name a target as the script writes it, or a function that a wildcard of it means; test intercept() with a program.",
  },
  SONDE_MADE_UP: {
    cause: "A made-up hit has a value that no real one could have, or one that nothing is known of.",
    example: 'sim.hit("libc:malloc", { args: { size: "large" } });',
    mend: "Give integers, texts, bytes and plain objects as the argument's type wants them; where its type isn't known, arg0, arg1 …",
  },
  SONDE_BUG: { cause: "sonde itself is at fault.", example: "any", mend: "Please report it with the script and the output of `sonde doctor`." },
};
