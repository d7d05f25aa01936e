/** The kernel's tracepoints, as tracefs has them: a folder each, `events/GROUP/NAME`, with its number and its record's format. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { nearNames } from "../../errors/near-names.ts";
import { eventId, mountTracefs, tracefs } from "../../sys/tracefs.ts";
import { matchesPieces, patternPieces } from "../target.ts";

let known: string | undefined;

/** The folder of tracefs, whose tracepoints may be read. Throws SONDE_KERNEL_TRACEFS. */
function readableTracefs(): string {
  known ??= [tracefs() ?? mountTracefs()].find((folder) => folder !== undefined && unlessDenied(() => readdirSync(`${folder}/events`)) !== undefined);
  if (known !== undefined) return known;
  const root = process.getuid?.() === 0;
  throw new SondeError("SONDE_KERNEL_TRACEFS", "the kernel's tracepoints can't be read", {
    where: "/sys/kernel/tracing",
    why: root ? "The kernel's tracing file system isn't mounted, and it can't be mounted here." : "Only root may look into the kernel's tracing file system.",
    mend: root ? "mount -t tracefs nodev /sys/kernel/tracing" : "Run it as root.",
    exit: root ? ExitStatus.fault : ExitStatus.rights,
  });
}

function unlessDenied<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** "group:name" of every one. */
function tracepointNames(events: string): string[] {
  const folders = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  return folders(events).flatMap((group) =>
    folders(`${events}/${group}`)
      .filter((name) => existsSync(`${events}/${group}/${name}/format`))
      .map((name) => `${group}:${name}`),
  );
}

const PLAIN = /^\w+:\w+$/;

/** "group:name" of those that a name or a pattern with `*` means, at least one. Throws SONDE_TRACEPOINT_NOT_FOUND, SONDE_KERNEL_TRACEFS. */
export function findTracepoints(pattern: string): string[] {
  const events = `${readableTracefs()}/events`;
  // There are two thousand, and most scripts name theirs.
  if (PLAIN.test(pattern) && existsSync(`${events}/${pattern.replace(":", "/")}/format`)) return [pattern];
  const all = tracepointNames(events);
  const pieces = patternPieces(pattern);
  const found = all.filter((name) => matchesPieces(pieces, name));
  if (found.length > 0) return found.sort();
  const near = nearNames(pattern, all);
  throw new SondeError("SONDE_TRACEPOINT_NOT_FOUND", `no tracepoint is called ${pattern}`, {
    mend: near.length > 0 ? `Near names: ${near.join(", ")}.` : "`sonde list --tracepoint '*:*'` has them all.",
  });
}

/** What tracefs says of the record of one that is there. */
export const formatOf = (name: string): string => readFileSync(`${readableTracefs()}/events/${name.replace(":", "/")}/format`, "latin1");

/** Probes that somebody defined stand among the events; they go when their definer does. */
const IS_PROBE = /^\tfield:unsigned long __probe_(?:ip|func);/m;
export const isProbe = (format: string): boolean => IS_PROBE.test(format);

/** The number by which perf knows it. */
export function numberOf(name: string): number {
  const [group, event] = name.split(":") as [string, string];
  const id = eventId(readableTracefs(), group, event);
  if (id === undefined) throw new SondeError("SONDE_TRACEPOINT_NOT_FOUND", `the tracepoint ${name} is gone`, { mend: "Try again." });
  return id;
}
