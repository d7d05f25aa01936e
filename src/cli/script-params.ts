/** Reads a script's parameters from the words behind `--`: `--slow=5`, `--slow 5`, `--verbose`, `--no-verbose`. */
import { ExitStatus, SondeError } from "../errors/error.ts";

export type ParamWords = { readonly [name: string]: string | boolean };

/** What a word means is decided by the script's `param()`, which knows the type; here are only names and texts. */
export function parseParams(words: readonly string[]): ParamWords {
  const params: { [name: string]: string | boolean } = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const match = /^--([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      throw new SondeError("SONDE_PARAM_SYNTAX", `'${word}' isn't a parameter`, {
        mend: "Parameters of a script are written --name=value. A command to start is given by -c.",
        exit: ExitStatus.usage,
      });
    }
    const [, name = "", value] = match;
    const next = words[i + 1];
    if (value !== undefined) params[name] = value;
    else if (next !== undefined && !next.startsWith("--")) {
      params[name] = next;
      i++;
    } else if (name.startsWith("no-")) params[name.slice(3)] = false;
    else params[name] = true;
  }
  return params;
}
