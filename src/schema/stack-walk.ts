/**
 * How a handler in the kernel unwinds a program's stack without frame pointers, and what it and the host tell each other of it.
 *
 * The handler goes from frame to frame by rules, one for each address of code, which the host puts into a map. Where there is
 * none yet it sends a copy of the stack from there on; the host unwinds that by the program's own tables, and adds the rules
 * of all frames that it came through. So a way through a program is copied once, and walked from then on.
 *
 * A rule is a word:
 *
 *     63                   32 31            16 15        5   4 3   2   0
 *     ┌──────────────────────┬────────────────┬───────────┬───┬───┬─────┐     `from`: what `frame` is added to for the frame's
 *     │ i32 frame            │ i16 saved      │ 0         │ rbp   │ from│     address (CFA); the caller's pc is in the word
 *     └──────────────────────┴────────────────┴───────────┴───┴───┴─────┘     below that address
 *
 * `rbp`: where the caller's rbp is: still in the register, at the frame's address plus `saved`, or at rbp plus `saved`.
 */

/** What the frame's address is counted from. 0 is no rule: such a frame can only be unwound from a copy. */
export const From = {
  rsp: 1,
  rbp: 2,
  /** There is no caller. */
  outermost: 3,
  /** A frame that the kernel made for a signal: rsp leads to the saved registers. */
  signal: 4,
  /** It is the word at rbp + `frame`: functions that align their stack. */
  atRbp: 5,
} as const;
export const SAVED_BY_FRAME = 8;
export const SAVED_BY_RBP = 16;

/** Where a signal's frame keeps registers, from rsp on: struct ucontext (asm-generic/ucontext.h) and sigcontext_64 in it. */
export const SIGNAL_RBP = 120;
export const SIGNAL_RSP = 160;
export const SIGNAL_RIP = 168;

/** Of the map of rules: u32 process, u32 1 where the address is one that is returned to, u64 address. Its values are rules. */
export const RULE_KEY = { pid: 0, called: 4, pc: 8, bytes: 16 } as const;
/** Rules that are known at a time; those that weren't used for long give way. */
export const MOST_RULES = 1 << 14;

/** Bytes of the stack that are copied at once. */
export const PIECE_BYTES = 8192;
/** A copy ends where a block can't be read: pages are multiples of this. */
export const PIECE_BLOCK = 1024;
/** Bytes of the kernel's pt_regs. */
const PT_REGS = 168;

/**
 * The payload of a copy's record. `regs` are those of the hit, `at` is how many frames the handler has found, the last of them
 * the one that it has no rule for, with its registers; `piece` is the stack from the address `start` on, as far as `length`.
 */
export const COPY = {
  id: 0,
  pid: 8,
  at: 12,
  pc: 16,
  rsp: 24,
  rbp: 32,
  start: 40,
  length: 48,
  regs: 56,
  piece: 56 + PT_REGS,
  bytes: 56 + PT_REGS + PIECE_BYTES,
} as const;
