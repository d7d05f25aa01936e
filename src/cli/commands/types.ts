/** `sonde types`: declarations for editors and tsc, of a program's functions or of the kernel. */
import { declareKernel } from "../../session/declare/kernel.ts";
import { outputFile } from "../output-file.ts";

export interface TypesOptions {
  readonly output?: string;
  readonly depth?: number;
}

export function types(names: readonly string[], options: TypesOptions): number {
  const { depth = Infinity } = options;
  const command = commandLine("kernel", names, options);
  const text = declareKernel({ names, depth, command });
  const file = outputFile(options.output);
  file.write(text);
  file.close();
  return 0;
}

/** What makes the same file again, as a shell reads it. */
function commandLine(what: string, names: readonly string[], { depth, output }: TypesOptions): string {
  const words = [
    what,
    ...names,

    ...(depth === undefined ? [] : ["--depth", String(depth)]),
    ...(output === undefined ? [] : ["-o", output]),
  ];
  return ["sonde types", ...words.map(quoted)].join(" ");
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
