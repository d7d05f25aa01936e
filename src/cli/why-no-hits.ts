/** Why a run may have had no hit: what can be told from the processes' maps now, each reason with what to do. */
import { readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { FunctionSite } from "../symbols/site.ts";
import { allMaps, commOf, isMappingOf, type Mapping, parseMappings } from "../sys/procfs.ts";

/** A run's processes, as far as they were chosen. Without pids and command: all. */
export interface Chosen {
  readonly pids: readonly number[];
  /** A command alone, which has ended: what others map says nothing of it. */
  readonly command: boolean;
  readonly cgroup: string | undefined;
}

interface MappedFile {
  /** Processes that map the very file. */
  readonly by: number[];
  /** Processes that map another file that had its path: it was replaced on disk. */
  readonly old: number[];
}

const MOST_NAMED = 3;

function named(pids: readonly number[]): string {
  const names = pids.slice(0, MOST_NAMED).map((pid) => {
    try {
      return `${commOf(pid)}[${pid}]`;
    } catch {
      return String(pid);
    }
  });
  return `${names.join(", ")}${pids.length > MOST_NAMED ? ` and ${pids.length - MOST_NAMED} more` : ""}`;
}

function look(site: FunctionSite, mappings: readonly Mapping[], pid: number, found: MappedFile): void {
  const file = { ...site.file, path: site.display };
  if (mappings.some((mapping) => isMappingOf(mapping, file))) found.by.push(pid);
  else if (mappings.some((mapping) => mapping.path === site.display)) found.old.push(pid);
}

/** A site of each file. */
function filesOf(sites: readonly FunctionSite[]): FunctionSite[] {
  const byFile = new Map<string, FunctionSite>();
  for (const site of sites) byFile.set(`${site.file.device}:${site.file.inode}`, site);
  return [...byFile.values()];
}

/** With who maps them now. */
function whoMaps(sites: readonly FunctionSite[]): ReadonlyMap<FunctionSite, MappedFile> {
  const files = new Map(sites.map((site) => [site, { by: [], old: [] } as MappedFile]));
  for (const { pid, text } of allMaps()) {
    if (pid === process.pid) continue;
    for (const [site, found] of files) {
      const needles = [site.display, ` ${site.file.inode} `];
      if (!needles.some((needle) => text.includes(needle))) continue;
      // Nearly every process maps the libraries: the other lines aren't parsed.
      const lines = text.toString("utf8").split("\n");
      const meant = lines.filter((line) => needles.some((needle) => line.includes(needle)));
      look(site, parseMappings(meant.join("\n")), pid, found);
    }
  }
  return files;
}

/** What is at the path now is another file than the one probed. */
function replacedNow(site: FunctionSite): boolean {
  const now = statSync(site.display, { bigint: true, throwIfNoEntry: false });
  return now !== undefined && now.ino !== site.file.inode;
}

const replaced = (site: FunctionSite): string => `${site.display} was replaced while the run went on`;

function runs(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

function reasonsOf(site: FunctionSite, found: MappedFile, chosen: Chosen): string[] {
  const reasons: string[] = [];
  const file = site.display;
  const among = chosen.pids.filter((pid) => found.by.includes(pid));
  if (found.old.length > 0) {
    reasons.push(
      `${named(found.old)} map an older ${basename(file)}, that was replaced on disk: name the process by -p, so that its own file is probed, or restart it`,
    );
  }
  if (replacedNow(site)) reasons.push(replaced(site));
  if (found.by.length === 0) reasons.push(`no process maps ${file} now: a program that is linked statically, or in a container, has its own copy of the code`);
  else if (chosen.pids.length > 0 && among.length === 0) {
    const alive = chosen.pids.filter((pid) => runs(pid) !== undefined);
    reasons.push(
      alive.length === 0
        ? `filtered out: the processes chosen (${chosen.pids.join(", ")}) have ended; others map ${file}: ${named(found.by)}`
        : `filtered out: none of the processes chosen maps ${file}; others do: ${named(found.by)}`,
    );
  } else if (chosen.cgroup !== undefined)
    reasons.push(`filtered out, perhaps: only processes in ${chosen.cgroup} were looked at; ${named(found.by)} map ${file}`);
  return reasons;
}

/** Lines for the end of a run without hits. */
export function whyNoHits(all: readonly FunctionSite[], chosen: Chosen): string[] {
  const sites = all.filter(({ event }) => event === undefined);
  if (sites.length === 0 && all.length > 0)
    return [`no hits: ${all[0]!.name}${all.length > 1 ? " and the others" : ""} didn't happen meanwhile in a process that is meant`];
  if (sites.length === 0) return ["no hits: nothing was probed, for no target named a function that is there"];
  const files = filesOf(sites);
  const reasons = chosen.command ? files.filter(replacedNow).map(replaced) : [...whoMaps(files)].flatMap(([site, found]) => reasonsOf(site, found, chosen));
  const names = [...new Set(sites.map((site) => site.name))];
  const what = names.length === 1 ? `${names[0]} was` : `the ${names.length} functions were`;
  if (reasons.length === 0) {
    reasons.push(
      `${what} not called meanwhile; or the compiler put the code into the callers (inlined), or another function of the same purpose is in use (\`sonde list\` shows what there is)`,
    );
  }
  return ["no hits. Why that may be:", ...reasons.map((reason) => `  ${reason}`)];
}
