/** Which arenas a process's sites get: those that it has and nobody uses, or new ones near them. */
import { SondeError } from "../../../errors/error.ts";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { readMappings } from "../../../sys/procfs.ts";
import { findGap } from "../../breakpoint/area/gap.ts";
import { NOBODY, ownIdentity } from "../../breakpoint/area/owner.ts";
import { Arena, type SharedFile } from "./arena.ts";
import { aligned, shapeOf } from "./layout.ts";
import type { WireInlineSite } from "./protocol.ts";

/** A jump reaches 2 GiB; what the code itself addresses lies around it, and the arena has its size. */
const REACH = 2 ** 30;
const LEAST_SITES = 64;
const LEAST_CODE = 64 * 1024;
/** Another thread of the target may map something where we wanted to. */
const TRIES = 8;

export interface Needs {
  readonly sites: readonly WireInlineSite[];
  readonly commonBytes: number;
  readonly ownBytes: number;
  readonly shared: SharedFile;
}

/** By site, the index of its arena. `tid`: a thread that is stopped and makes system calls for us. */
export function placeSites(pid: number, tid: number, memory: ProcessMemory, needs: Needs): { readonly arenas: Arena[]; readonly places: number[] } {
  const { sites } = needs;
  const arenas: Arena[] = [];
  const places: number[] = new Array(sites.length);
  const order = sites.map((_, i) => i).sort((a, b) => (sites[a] as WireInlineSite).address - (sites[b] as WireInlineSite).address);
  const free = new Set(Arena.find(pid, memory).filter(({ clean }) => clean));
  for (let from = 0; from < order.length; ) {
    const low = (sites[order[from] as number] as WireInlineSite).address;
    let to = from + 1;
    while (to < order.length && (sites[order[to] as number] as WireInlineSite).address - low < REACH / 2) to++;
    const group = order.slice(from, to).map((i) => sites[i] as WireInlineSite);
    for (const i of order.slice(from, to)) places[i] = arenas.length;
    arenas.push(arenaFor(pid, tid, memory, { ...needs, sites: group }, free));
    from = to;
  }
  return { arenas, places };
}

/** `sites`, sorted, lie near one another. */
function arenaFor(pid: number, tid: number, memory: ProcessMemory, { sites, commonBytes, ownBytes, shared }: Needs, free: Set<Arena>): Arena {
  const low = (sites[0] as WireInlineSite).address;
  const high = (sites.at(-1) as WireInlineSite).address;
  const code = aligned(commonBytes) + sites.reduce((sum, { most }) => sum + aligned(most), 0);
  const parts = { owner: ownIdentity(), shared };
  for (const arena of free) {
    const { base, shape } = arena;
    if (shape.capacity < sites.length || arena.codeBytes < code || shape.sharedBytes < shared.bytes || shape.ownBytes < ownBytes) continue;
    if (Math.max(high - base, base + shape.size - low) >= REACH * 1.5) continue;
    free.delete(arena);
    if (arena.reuse(pid, tid, memory, parts)) return arena;
    arena.setOwner(memory, NOBODY);
  }
  const shape = shapeOf(Math.max(LEAST_SITES, 2 * sites.length), Math.max(LEAST_CODE, 2 * code), shared.bytes, ownBytes);
  for (let tries = 0; tries < TRIES; tries++) {
    const at = findGap(readMappings(pid), low, high, shape.size);
    const arena = at === undefined ? undefined : Arena.create(pid, tid, memory, at, shape, parts);
    if (arena !== undefined) return arena;
  }
  throw new SondeError("SONDE_TRACE_NO_ROOM", `process ${pid} has no room for displaced instructions`, {
    where: `near 0x${low.toString(16)} in process ${pid}`,
    why: "nothing is free within 1 GiB of the code, or the process may not map memory (seccomp, RLIMIT_AS, RLIMIT_NOFILE)",
    mend: "Use the engine kernel.",
  });
}
