/** Processes whose code we can't displace. */
import { closeSync, openSync, readSync } from "node:fs";
import { SondeError } from "../../../errors/error.ts";

const CLASS_64 = 2;
const MACHINE_X86_64 = 62;

/** Throws SONDE_TRACE_32BIT. */
export function refuseForeign(pid: number): void {
  const where = { where: `pid ${pid}` };
  const header = Buffer.alloc(128);
  try {
    const file = openSync(`/proc/${pid}/exe`, "r");
    readSync(file, header, 0, 64, 0);
    closeSync(file);
  } catch {
    // A thread of the kernel, a zombie, or none of ours: attaching says which.
    return;
  }
  if (header.readUInt32BE(0) === 0x7f45_4c46 && (header[4] !== CLASS_64 || header.readUInt16LE(18) !== MACHINE_X86_64))
    throw new SondeError("SONDE_TRACE_32BIT", `process ${pid} is a 32-bit or foreign program`, {
      ...where,
      why: "sonde displaces x86-64 code alone",
      mend: "Probe 64-bit programs.",
    });
}
