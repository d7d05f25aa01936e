/**
 * The behaviours that an engine must show, and which engine claims which: where it doesn't, why. docs/conformance.md is made
 * from this table and the last run (scripts/conformance-table.mjs). It imports nothing, so that the script can read it alone.
 */

/** By number; the names are the titles of the suite's tests. */
export const behaviours = {
  1: "register before the program starts; before dlopen; attach to a running one",
  2: "two mappings of one file both fire; dlclose, munmap, mremap are safe",
  3: "a forked child fires; a program exec'd later fires; counts add up exactly",
  4: "only these processes: others never fire and are not slowed; following children on and off",
  5: "vfork, CLONE_VM; exec clears the state; exec by a thread that is not the leader",
  6: "8 threads × 20,000 hits on an instruction that must be executed out of line: exactly 160,000",
  7: "64 threads in displaced instructions at once: none lost, none stuck",
  8: "several probes on one site, in order; removing one leaves the others",
  9: "a return handler runs only where its entry was seen; a child forked in between has seen it",
  10: "a handler that removes its probe removes it",
  11: "after disarm returns there are no callbacks; the bytes are as before",
  12: "disarm while threads are in a slot, or between trap and handler",
  13: "attach and detach × mmap × fork, under load",
  14: "all integer registers, flags, xmm and the red zone are as before; a handler's change of registers takes effect",
  15: "16 jcc × flag combinations; jumps both ways",
  16: "return addresses of direct and indirect calls; call [rsp+n]; push rsp",
  17: "RIP-relative load, store, cmpxchg8b, mulx",
  18: "a fault in the probed instruction: the program's handler sees the original rip and si_addr; re-executing hits again",
  19: "a fault while a displaced call pushes",
  20: "a storm of signals: none sees a rip in a slot; SIGKILL at any point",
  21: "a program's own trap flag, pushf, popf; a debugger's breakpoint on the same site",
  22: "an int3 that was there before is refused; a stray int3 still raises SIGTRAP in the program",
  23: "every refusal, with its reason; nothing changed",
  24: "bad offset, missing file, directory, no permission",
  25: "an instruction across a page boundary; one at the end of the file",
  26: "shared or writable mappings are never armed; a byte that the program overwrote is kept",
  27: "read(2), checksums and copies of the file are unchanged",
  28: "a library overwritten in place: reported",
  29: "return probes: 100 nested, recursion, tail call, longjmp, sigaltstack, C++ exceptions",
  30: "a target under seccomp is refused or survives",
  31: "semaphores of static probes: up and down, delayed mapping, never negative, fork",
  32: "the filter is by process, not by thread",
  33: "strings: not resident, unmapped, cut: marked so, no crash",
  34: "user and kernel data in one record",
  35: "a batch with one bad site arms none",
  36: "50,000 sites; attach and detach in about linear time",
  37: "a full buffer, a full map, a nested hit that was not run, a return beyond the depth: each counted; hits = delivered + lost",
  38: "each process of the tool killed with -9 at any moment, while arming too, and all of them at once: the targets go on; their bytes are restored, at the latest by the next start",
  39: "job control: stop, continue, and a shell's wait behave as without us",
  40: "a target that exits, crashes, or execs while it is being armed",
} as const;
export type Behaviour = keyof typeof behaviours;

/** Where engines differ in what they do, and the suite expects exactly what is said here. */
export interface Ways {
  /** A repeated string instruction hits once, or once for each repetition. */
  readonly repeatedHits: "once" | "each";
  /** Handlers may change registers, arguments and results. */
  readonly changesRegisters: boolean;
  /** A probed `pushf` pushes the trap flag that the step was made with. */
  readonly pushesTrapFlag: boolean;
  /** The kinds of instruction in test/fixtures/programs/displaced.S (prefixed_…) that are refused. */
  readonly refusedKinds: readonly string[];
  /** Probed returns land at code of the engine's first, where a signal's handler may see the thread. */
  readonly returnsLandElsewhere: boolean;
  /** Who is probed can't be debugged at the same time. */
  readonly excludesDebuggers: boolean;
  /** A process that one session probes can't be probed by another at the same time. */
  readonly oneSessionPerProcess: boolean;
  /** C++ exceptions may leave functions whose returns are probed. */
  readonly exceptionsPassReturns: boolean;
  /** So many returns of nested calls are followed. */
  readonly nestedReturns: number;
}

/** What isn't listed is claimed, without reserve. */
export interface Claims {
  readonly ways: Ways;
  /** What the engine doesn't claim, and why. */
  readonly exempt: { readonly [N in Behaviour]?: string };
  /** What is claimed within a limit that its user should know. */
  readonly limits: { readonly [N in Behaviour]?: string };
}

const KERNEL_REFUSES = [
  "vector_add",
  "relative_vector",
  "relative_vector_load",
  "relative_vector_immediate",
  "vector_zero",
  "vector_or",
  "vector_equal",
  "vector_compare",
  "vector_subtract",
  "lock_add",
  "relative_lock",
  "relative_lock_cmpxchg8b",
  "relative_lock_xadd",
  "syscall",
  "notrack_jmp",
  "notrack_call",
  "hinted_jump",
];

/** An engine joins the suite by standing here. */
export const claims: { readonly [engine: string]: Claims } = {
  kernel: {
    ways: {
      repeatedHits: "each",
      changesRegisters: false,
      pushesTrapFlag: true,
      refusedKinds: KERNEL_REFUSES,
      returnsLandElsewhere: true,
      exceptionsPassReturns: false,
      excludesDebuggers: false,
      oneSessionPerProcess: false,
      nestedReturns: 64,
    },
    exempt: {
      28: "the kernel doesn't tell of it: who had the library mapped keeps the code that was probed, and nothing is said",
    },
    limits: {
      4: "followed at more than 32 places (sites × threads), or before Linux 6.13, children cost other processes about 1 µs a call of the probed functions",
      5: "filtered by process, what runs between the exec of a thread that isn't the leader and its arming anew (about a millisecond) isn't seen",
      14: "handlers can't change registers; a repeated string instruction hits once for each repetition",
      17: "vector instructions whose opcode the kernel mistakes for another, lock and segment prefixes, notrack jumps and system calls are refused",
      20: "where returns are probed, a signal may come while a thread is at the kernel's own code for returns ([uprobes]), and the handler sees that address",
      21: "a probed pushf pushes the trap flag; a debugger's breakpoint on a probed site doesn't stop the debugger's program",
      27: "the kernel also arms private mappings that are only read: a tool that sums the file by such a mapping, in a process that the probe is for, sees the breakpoint",
      29: "64 nested returns are followed, deeper ones are counted as lost; an exception that leaves a function whose return is probed ends the program, which is said when it is armed",
      37: "the kernel runs handlers where a hit can't interrupt them: a nested hit can't happen, and its count stays 0",
    },
  },
  breakpoint: {
    ways: {
      repeatedHits: "once",
      changesRegisters: true,
      pushesTrapFlag: false,
      refusedKinds: ["call_where_it_pushes"],
      returnsLandElsewhere: false,
      exceptionsPassReturns: true,
      excludesDebuggers: true,
      oneSessionPerProcess: true,
      nestedReturns: 100_000,
    },
    exempt: { 34: "the kernel's structures are read by programs in the kernel: `c.task` and tracepoints are refused, and the engine is named that has them" },
    limits: {
      1: "which program starts later is told to root alone, from Linux 6.8 on; others name processes or start them",
      8: "a process has one tracer: a second session on it is refused, and told who traces it",
      14: "a repeated string instruction hits once, before its first repetition",
      16: "a call through memory that its own push changes is refused",
      21: "a process that is traced can't be debugged at the same time",
      30: "without CAP_SYS_ADMIN processes under seccomp are refused: it takes that to put their filter off for the calls that arming makes in them",
      38: "a program that handles or blocks SIGTRAP itself is without its net between the death of the tracer and the next start",
    },
  },
};

export type EngineUnderTest = "kernel" | "breakpoint";
export const enginesUnderTest = Object.keys(claims) as readonly EngineUnderTest[];

export const waysOf = (engine: EngineUnderTest): Ways => (claims[engine] as Claims).ways;

/** `01 register before …` */
export const title = (behaviour: Behaviour): string => `${String(behaviour).padStart(2, "0")} ${behaviours[behaviour]}`;
