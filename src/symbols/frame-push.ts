/**
 * Functions that begin by keeping their caller's frame pointer. Linux (from 6.11) knows these by that byte, and finds the caller of one that is
 * probed there. It knows `endbr64` too where it was built with CONFIG_X86_KERNEL_IBT, which nothing tells: those aren't counted.
 */
import { FileSource } from "./file-source.ts";
import type { FunctionSite } from "./site.ts";

const PUSH_RBP = 0x55;

/** All of them begin with `push %rbp`, which is where the breakpoint goes. */
export function allPushFrame(sites: readonly FunctionSite[]): boolean {
  const sources = new Map<string, FileSource>();
  try {
    return sites.every(({ path, functionOffset, delta, go }) => {
      if (delta !== 0 || go !== undefined) return false;
      let source = sources.get(path);
      if (source === undefined) {
        source = new FileSource(path);
        sources.set(path, source);
      }
      return source.byteAt(functionOffset) === PUSH_RBP;
    });
  } finally {
    for (const source of sources.values()) source.close();
  }
}
