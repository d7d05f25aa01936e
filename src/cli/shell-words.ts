/** Splits a command as a shell would (POSIX shell, 2.2 Quoting), without what only a shell can do: variables and wildcards stay as they are. */
import { ExitStatus, SondeError } from "../errors/error.ts";

const OPERATORS = new Set("|&;<>()");
const BLANK = /\s/;
/** What a backslash escapes between double quotes. */
const ESCAPED_IN_DOUBLE = new Set('$`"\\\n');

function refuse(command: string, index: number, what: string, mend: string): never {
  throw new SondeError("SONDE_COMMAND_QUOTING", `${what} in the command`, { where: `${command}\n${" ".repeat(index)}^`, mend, exit: ExitStatus.usage });
}

/** Reads what stands between double quotes from `from` on; gives the text and the index behind the closing quote. */
function doubleQuoted(command: string, from: number): { readonly text: string; readonly next: number } {
  let text = "";
  for (let i = from; i < command.length; i++) {
    const c = command[i]!;
    if (c === '"') return { text, next: i + 1 };
    if (c === "\\" && ESCAPED_IN_DOUBLE.has(command[i + 1] ?? "")) {
      i++;
      if (command[i] !== "\n") text += command[i];
    } else text += c;
  }
  return refuse(command, from - 1, "an unclosed quote", "Close it, or escape it with a backslash.");
}

/** Throws SONDE_COMMAND_QUOTING for an unclosed quote, an operator outside quotes, and an empty command. */
export function splitCommand(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let i = 0;
  while (i < command.length) {
    const c = command[i]!;
    if (BLANK.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      i++;
    } else if (c === "'") {
      const end = command.indexOf("'", i + 1);
      if (end === -1) refuse(command, i, "an unclosed quote", "Close it, or escape it with a backslash.");
      word = (word ?? "") + command.slice(i + 1, end);
      i = end + 1;
    } else if (c === '"') {
      const { text, next } = doubleQuoted(command, i + 1);
      word = (word ?? "") + text;
      i = next;
    } else if (c === "\\") {
      if (i + 1 === command.length) refuse(command, i, "a backslash with nothing behind it", "Quote it: '\\'.");
      if (command[i + 1] !== "\n") word = (word ?? "") + command[i + 1];
      i += 2;
    } else if (OPERATORS.has(c)) {
      refuse(command, i, `'${c}'`, "The command is run without a shell. Quote it, or run a shell: -c \"sh -c '… | …'\" --children");
    } else {
      word = (word ?? "") + c;
      i++;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0 || words[0] === "") refuse(command, 0, "nothing to run", "Give a program and its arguments: -c 'gzip -k big.log'.");
  return words;
}
