/**
 * A folder for compiled scripts that nobody else can write to. What lies in it is run, as root mostly, so a folder that
 * belongs to somebody else, or could be moved away by somebody else, isn't used.
 */
import { lstatSync, mkdirSync, mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;

const own = (): number => process.getuid?.() ?? 0;

/** Nobody but us and root can rename what lies in it. */
function parentIsSafe(path: string): boolean {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return false;
  if ((stat.mode & STICKY) !== 0) return true;
  return (stat.uid === own() || stat.uid === 0) && (stat.mode & OTHERS_WRITE) === 0;
}

/** The folder, made if it isn't there; undefined if it can't be trusted or made. */
function claim(path: string): string | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true });
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return undefined;
    }
    const stat = lstatSync(path);
    const ours = stat.isDirectory() && stat.uid === own() && (stat.mode & OTHERS) === 0;
    return ours && parentIsSafe(dirname(path)) ? path : undefined;
  } catch {
    return undefined;
  }
}

let found: string | undefined;

/** $XDG_CACHE_HOME/sonde or ~/.cache/sonde; else one in the folder for temporary files; else one for this process alone. */
export function privateFolder(): string {
  found ??=
    claim(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "sonde")) ??
    claim(join(tmpdir(), `sonde-${own()}`)) ??
    mkdtempSync(join(tmpdir(), "sonde-"));
  return found;
}
