/** A cgroup (v2) as programs ask for it: its id, and how deep it lies. */
import { readFileSync, readlinkSync, statSync } from "node:fs";
import { ExitStatus, SondeError } from "../../errors/error.ts";

/** The first cgroup namespace's number (PROC_CGROUP_INIT_INO of the kernel's proc_ns.h). */
const ROOT_NAMESPACE = "cgroup:[4026531835]";

const depth = (path: string): number => path.split("/").filter((part) => part !== "").length;

export interface CgroupMount {
  readonly path: string;
  /** How deep the cgroup lies that is mounted there. */
  readonly level: number;
}

/** Where the version 2 hierarchy is mounted: alone at /sys/fs/cgroup, or beside version 1 at /sys/fs/cgroup/unified. */
export function cgroupMounts(mountinfo: string = readFileSync("/proc/self/mountinfo", "latin1")): CgroupMount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [front = "", back = ""] = line.split(" - ");
    const [, , , root = "/", path = ""] = front.split(" ");
    return back.startsWith("cgroup2 ") ? [{ path, level: depth(root) }] : [];
  });
}

/** `level` counts from the root, which is 0. The id is the folder's inode number (kernfs). */
export function cgroupOf(path: string): { readonly id: bigint; readonly level: number } {
  const mount = cgroupMounts()
    .filter((m) => path === m.path || path.startsWith(`${m.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (mount !== undefined && readlinkSync("/proc/self/ns/cgroup") !== ROOT_NAMESPACE) {
    throw new SondeError("SONDE_KERNEL_CGROUP", "inside a cgroup namespace it can't be told how deep a cgroup lies", {
      where: path,
      mend: "Run sonde outside the container.",
    });
  }
  if (mount === undefined) {
    throw new SondeError("SONDE_KERNEL_CGROUP", `${path} isn't a folder of the cgroup version 2 hierarchy`, {
      exit: ExitStatus.fault,
      mend: `Name a folder below ${cgroupMounts()[0]?.path ?? "/sys/fs/cgroup"}.`,
    });
  }
  let folder: { isDirectory(): boolean; readonly ino: bigint };
  try {
    folder = statSync(path, { bigint: true });
  } catch (cause) {
    throw new SondeError("SONDE_KERNEL_CGROUP", `there is no cgroup ${path}`, {
      cause,
      mend: "Ask `ls` for the cgroups there are, or `cat /proc/PID/cgroup` for a process's.",
    });
  }
  if (!folder.isDirectory()) throw new SondeError("SONDE_KERNEL_CGROUP", `${path} is a file, not a cgroup`, { mend: "Name the folder it lies in." });
  return { id: folder.ino, level: mount.level + depth(path.slice(mount.path.length)) };
}
