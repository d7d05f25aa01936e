/** Whether sites can be probed at all, by the file alone: before anything is attached to, and where nothing runs yet. */
import { SondeError } from "../../../errors/error.ts";
import { FileSource } from "../../../symbols/file-source.ts";
import { isCommonBeginning, relocate } from "../../../x86/relocate/relocate.ts";
import type { RegisteredFile } from "./registry.ts";

const INT3 = 0xcc;
const MAX_INSTRUCTION = 15;
/** Any place from which the code is within reach. */
const NOMINAL_BASE = 0x5000_0000_0000;
const NOMINAL_SLOT = NOMINAL_BASE - 0x1000_0000;

/** Throws SONDE_SITE_REFUSED, which names the site. */
export function judge(file: RegisteredFile): void {
  const source = new FileSource(file.path, file.display);
  try {
    for (const [offset, { site }] of file.sites) {
      const bytes = source.read(offset, Math.min(MAX_INSTRUCTION, source.size - offset));
      const reason = refusalOf(bytes, offset);
      if (reason === undefined) continue;
      const delta = offset - site.functionOffset;
      throw new SondeError("SONDE_SITE_REFUSED", `${site.name}${delta > 0 ? `+0x${delta.toString(16)}` : ""} in ${file.display} can't be probed: ${reason}`, {
        where: `${file.display}:${site.name}`,
        mend: "Probe another instruction of the function (name+offset).",
      });
    }
  } finally {
    source.close();
  }
}

function refusalOf(bytes: Uint8Array, offset: number): string | undefined {
  if (bytes[0] === INT3) return "there is a breakpoint (int3) already";
  // Nearly all, where there are many.
  if (isCommonBeginning(bytes)) return undefined;
  const moved = relocate(bytes, NOMINAL_BASE + offset, NOMINAL_SLOT);
  return "refused" in moved ? moved.refused : undefined;
}
