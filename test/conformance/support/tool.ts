/** The command line as a tool whose processes can be killed: which ones there are, and all of them at once. */
import { readdirSync, readFileSync } from "node:fs";
import { type Launched, launch } from "../../fixtures/sonde.ts";

/** By process: its parent. */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {} // It has ended meanwhile.
  }
  return found;
}

/** What a process has started, and what those have. */
export function descendants(root: number): number[] {
  const all = parents();
  const found = [root];
  for (const one of found) for (const [pid, parent] of all) if (parent === one) found.push(pid);
  return found.slice(1);
}

/** Kills a process with -9, if it is still there. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {}
}

/** Which of the tool's processes: the one that the user started, those that it started, or all. */
export type Victim = "session" | "others" | "all";

/** Kills the tool's processes, and waits until all of them are gone. If it has none besides its own, that one is meant. */
export async function killTool(tool: Launched, which: Victim): Promise<void> {
  const others = descendants(tool.pid);
  const victims = which === "session" || others.length === 0 ? [tool.pid] : which === "others" ? others : [...others, tool.pid];
  for (const pid of victims) kill(pid);
  // Those that are left must end by themselves: a session without its tracer, a tracer without its session. What was killed may
  // have been the process that mends what an earlier one has left: the session goes on then, and starts its tracer.
  const again = which === "session" || others.length === 0 ? undefined : setInterval(() => descendants(tool.pid).forEach(kill), 100);
  await tool.ended;
  clearInterval(again);
  const deadline = Date.now() + 10_000;
  const left = () => [...parents()].filter(([pid]) => others.includes(pid));
  while (left().length > 0) {
    if (Date.now() > deadline) throw new Error(`still there after the kill of ${which}: ${left().join(" ")}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

/** Starts the tool on a script at these places; resolves at once. */
export const tool = (script: string, engine: string, places: readonly string[], ...options: string[]): Launched =>
  launch(["run", script, "--engine", engine, "--format", "json", "--exact", ...options, "--", `--at=${places.join(" ")}`]);
