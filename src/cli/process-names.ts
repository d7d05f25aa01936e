/** From what -p was given, ids and names, to process ids. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { ExitStatus, SondeError } from "../errors/error.ts";

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // It ended meanwhile.
  }
}

/** Its name as the kernel keeps it (15 bytes), and the file name of what it was started as. */
function namesOf(pid: string): string[] {
  const comm = read(`/proc/${pid}/comm`)?.trim();
  const first = read(`/proc/${pid}/cmdline`)?.split("\0")[0];
  return [...(comm ? [comm] : []), ...(first ? [basename(first)] : [])];
}

function idsByName(name: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid && namesOf(entry).includes(name))
    .map(Number);
}

/** Throws SONDE_PROCESS_NOT_FOUND for an id or name that no process has. */
export function processIds(given: readonly string[]): number[] {
  const ids = given.flatMap((one) => {
    if (/^\d+$/.test(one)) {
      const leader = /^Tgid:\s*(\d+)/m.exec(read(`/proc/${one}/status`) ?? "")?.[1];
      if (leader === undefined) {
        throw new SondeError("SONDE_PROCESS_NOT_FOUND", `there is no process ${one}`, {
          where: `-p ${one}`,
          mend: "Is it still running? `ps -e` lists all.",
          exit: ExitStatus.fault,
        });
      }
      if (leader !== one) {
        throw new SondeError("SONDE_PROCESS_THREAD", `${one} is a thread of process ${leader}`, {
          where: `-p ${one}`,
          why: "probes are filtered by process",
          mend: `Use -p ${leader}, and test c.tid === ${one} in the handler.`,
        });
      }
      return [Number(one)];
    }
    const found = idsByName(one);
    if (found.length === 0) {
      throw new SondeError("SONDE_PROCESS_NOT_FOUND", `no process is called ${one}`, {
        where: `-p ${one}`,
        mend: "Start it first, or use -c to start it under sonde; without -p every process is probed, those that start later too.",
      });
    }
    return found;
  });
  return [...new Set(ids)].sort((a, b) => a - b);
}
