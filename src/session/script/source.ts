/** Which script: a file, or the text of a one-liner. */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ExitStatus, SondeError } from "../../errors/error.ts";

export interface ScriptSource {
  /** Absolute path, or "-e". */
  readonly path: string;
  /** Where its imports are looked for. */
  readonly folder: string;
  readonly text: string;
}

const MOST_BYTES = 16 << 20;

function refuse(path: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") throw new SondeError("SONDE_SCRIPT_NOT_FOUND", `there is no file ${path}`, { exit: ExitStatus.usage });
  if (code === "EACCES" || code === "EPERM") throw new SondeError("SONDE_SCRIPT_UNREADABLE", `${path} may not be read`, { exit: ExitStatus.rights });
  throw new SondeError("SONDE_SCRIPT_UNREADABLE", `${path} can't be read`, { why: (error as Error).message, cause: error });
}

/** JavaScript is TypeScript too, but a name tells whether a file is meant so. */
const isTypescript = (path: string): boolean => /\.[mc]?tsx?$/.test(path) && !/\.d\.[mc]?ts$/.test(path);

/** A path, relative to the working directory, or a file URL. */
export function scriptFile(script: string | { readonly href: string }): ScriptSource {
  const given = typeof script === "string" ? script : script.href;
  if (typeof script !== "string" && !given.startsWith("file:"))
    throw new SondeError("SONDE_SCRIPT_NOT_FOUND", `${given} is no file URL`, { exit: ExitStatus.usage });
  const path = given.startsWith("file:") ? fileURLToPath(given) : resolve(given);
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw new SondeError("SONDE_SCRIPT_UNREADABLE", `${path} is a folder, not a script`, { exit: ExitStatus.usage });
    if (!isTypescript(path))
      throw new SondeError("SONDE_SCRIPT_KIND", `${path} is no TypeScript, by its name`, {
        mend: "A script's name ends in .ts or .mts; JavaScript may be called so as it is.",
        exit: ExitStatus.usage,
      });
    if (stat.size > MOST_BYTES) throw new SondeError("SONDE_SCRIPT_UNREADABLE", `${path} is larger than ${MOST_BYTES >> 20} MB`, { exit: ExitStatus.usage });
    return { path, folder: dirname(path), text: readFileSync(path, "utf8") };
  } catch (error) {
    if (error instanceof SondeError) throw error;
    return refuse(path, error);
  }
}

export function scriptText(text: string): ScriptSource {
  return { path: "-e", folder: process.cwd(), text };
}
