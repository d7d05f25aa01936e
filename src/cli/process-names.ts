/** From what -p was given, ids and names, to process ids. */
import { readFileSync } from "node:fs";
import { ExitStatus, SondeError } from "../errors/error.ts";
import { processesNamed } from "../sys/procfs.ts";

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // It ended meanwhile.
  }
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
    const found = processesNamed(one).filter((pid) => pid !== process.pid);
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
