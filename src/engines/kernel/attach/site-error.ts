/** Why the kernel refused a site, in the terms of the person who asked for it. */
import { SondeError } from "../../../errors/error.ts";
import type { Site } from "../../../symbols/site.ts";
import { callError, errno } from "../../../sys/errno.ts";
import type { Scope } from "./attachment.ts";

/** `bpf(BPF_LINK_CREATE) failed with EINVAL`, for this site. `code` is positive. */
export function siteError(call: string, code: number, site: Site, path: string, scope: Scope): SondeError {
  if (code === errno.ESRCH && scope.kind !== "all") {
    return new SondeError("SONDE_PROCESS_NOT_FOUND", `there is no process ${scope.pid}`, {
      why: "it has ended, or never was",
      mend: "Ask `ps` for the process's id.",
    });
  }
  const where = `${site.display}:${site.name}${site.delta > 0 ? `+0x${site.delta.toString(16)}` : ""} (file offset 0x${site.offset.toString(16)})`;
  const [why, mend] = reason(code, site, path);
  return callError(call, code, {
    doing: "arm a site",
    where,
    needs: ["CAP_BPF", "CAP_PERFMON"],
    ...(why === undefined ? {} : { why }),
    ...(mend === undefined ? {} : { mend }),
  });
}

function reason(code: number, site: Site, path: string): readonly [why?: string, mend?: string] {
  switch (code) {
    case errno.ENOENT:
      return [`there is no file ${path}`, "Name a file that is there, as an absolute path."];
    case errno.EISDIR:
      return [`${path} is a directory`, "Name an executable or a library."];
    case errno.EINVAL:
      return ["the offset lies behind the file's end, or it isn't a regular file", "Ask `sonde list` which places the file has."];
    case errno.EIO:
      return [
        `the instruction there (${site.instruction.text}) can't be read from the file, or its file system can't be probed`,
        "Copy the file to a local disk and run it from there.",
      ];
    case 524:
    case errno.EOPNOTSUPP:
      return [
        `the kernel can't execute the instruction there (${site.instruction.text}) out of line`,
        "Probe another instruction of the function: `sonde list -v` shows the candidates.",
      ];
    default:
      return [];
  }
}
