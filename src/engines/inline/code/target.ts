/** What routines and trampolines have to know of the place that they will run in. */
import type { InlineLayout } from "../memory/layout.ts";

export interface CpuFeatures {
  /** The instruction rdpid: the number of the CPU in a few cycles; else it is read from a segment's limit, as the C library does. */
  readonly rdpid: boolean;
}

/** Addresses in the target, all within ±2 GiB of the code. */
export interface CodePlace {
  /** The shared part (memory/layout.ts). */
  readonly shared: number;
  /** The part of the process alone. */
  readonly own: number;
}

export interface CodeTarget {
  readonly layout: InlineLayout;
  readonly place: CodePlace;
  readonly features: CpuFeatures;
}

/** CPU numbers lie in the low 12 bits. */
export const CPU_MASK = 0xfff;
/** The segment whose limit holds them (arch/x86/include/asm/segment.h). */
export const CPU_SEGMENT = 0x7b;
