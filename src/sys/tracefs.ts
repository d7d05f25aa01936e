/** The kernel's tracing file system: where it is, and the uprobe definitions in it (Documentation/trace/uprobetracer.rst). */
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";
import { cString } from "./struct.ts";

const PLACES = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/** Its folder, if it is mounted. */
export function tracefs(): string | undefined {
  return PLACES.find((place) => existsSync(`${place}/uprobe_events`));
}

/** Mounts it at its usual place. Gives the folder, or undefined where that isn't permitted. */
export function mountTracefs(): string | undefined {
  syscall(nr.mount, cString("nodev"), cString(PLACES[0]!), cString("tracefs"), 0, 0);
  return tracefs();
}

/** What is defined now, a line each: `p:GROUP/NAME PATH:0xOFFSET`. */
export function uprobeDefinitions(folder: string): string[] {
  return readFileSync(`${folder}/uprobe_events`, "latin1")
    .split("\n")
    .filter((line) => line !== "");
}

/** Adds or removes (`-:GROUP/NAME`) a definition. Gives 0, or minus errno. */
export function defineUprobe(folder: string, line: string): number {
  try {
    // Without O_APPEND the kernel would remove everybody's definitions first.
    const fd = openSync(`${folder}/uprobe_events`, constants.O_WRONLY | constants.O_APPEND);
    try {
      writeSync(fd, `${line}\n`);
    } finally {
      closeSync(fd);
    }
    return 0;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).errno;
    if (code === undefined) throw error;
    return code;
  }
}

/** The number by which perf knows an event of tracefs; undefined if there is none of that name. */
export function eventId(folder: string, group: string, name: string): number | undefined {
  try {
    return Number(readFileSync(`${folder}/events/${group}/${name}/id`, "latin1"));
  } catch {
    return undefined;
  }
}
