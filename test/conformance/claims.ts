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
  23: "every refusal, with its reason; nothing changed",
  24: "bad offset, missing file, directory, no permission",
  25: "an instruction across a page boundary; one at the end of the file",
  26: "shared or writable mappings are never armed; a byte that the program overwrote is kept",
  27: "read(2), checksums and copies of the file are unchanged",
  30: "a target under seccomp is refused or survives",
  32: "the filter is by process, not by thread",
  33: "strings: not resident, unmapped, cut: marked so, no crash",
  35: "a batch with one bad site arms none",
  36: "50,000 sites; attach and detach in about linear time",
  37: "a full buffer, a full map, a nested hit that was not run, a return beyond the depth: each counted; hits = delivered + lost",
} as const;
export type Behaviour = keyof typeof behaviours;

/** What isn't listed is claimed, without reserve. */
export interface Claims {
  /** What the engine doesn't claim, and why. */
  readonly exempt: { readonly [N in Behaviour]?: string };
  /** What is claimed within a limit that its user should know. */
  readonly limits: { readonly [N in Behaviour]?: string };
}

/** An engine joins the suite by standing here. */
export const claims: { readonly [engine: string]: Claims } = {
  kernel: {
    exempt: {},
    limits: {
      4: "followed at more than 32 places (sites × threads), or before Linux 6.13, children cost other processes about 1 µs a call of the probed functions",
      5: "filtered by process, what runs between the exec of a thread that isn't the leader and its arming anew (about a millisecond) isn't seen",
      27: "the kernel also arms private mappings that are only read: a tool that sums the file by such a mapping, in a process that the probe is for, sees the breakpoint",
      37: "the kernel runs handlers where a hit can't interrupt them: a nested hit can't happen, and its count stays 0",
    },
  },
};

export type EngineUnderTest = "kernel";
export const enginesUnderTest = Object.keys(claims) as readonly EngineUnderTest[];

/** `01 register before …` */
export const title = (behaviour: Behaviour): string => `${String(behaviour).padStart(2, "0")} ${behaviours[behaviour]}`;
