/** `sonde types`: declarations for editors and tsc, of a program's functions or of the kernel. */
import { declareKernel } from "../../session/declare/kernel.ts";
import { declareProgram } from "../../session/declare/program.ts";
import { outputFile } from "../output-file.ts";

export interface TypesOptions {
  readonly as?: string;
  readonly output?: string;
  readonly depth?: number;
}

/** A program of this name is written `./kernel`. */
const KERNEL = "kernel";

export async function types(what: string, names: readonly string[], options: TypesOptions): Promise<number> {
  const { depth = Infinity } = options;
  const command = commandLine(what, names, options);
  const { text, notes } =
    what === KERNEL
      ? { text: declareKernel({ names, depth, command }), notes: [] }
      : await declareProgram({ file: what, functions: names, as: options.as, depth, command });
  const file = outputFile(options.output);
  file.write(text);
  file.close();
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  return 0;
}

/** What makes the same file again, as a shell reads it. */
function commandLine(what: string, names: readonly string[], { as, depth, output }: TypesOptions): string {
  const option = (name: string, value: string | undefined): string[] => (value === undefined ? [] : [name, value]);
  const words = [what, ...names, ...option("--as", as), ...option("--depth", depth?.toString()), ...option("-o", output)];
  return ["sonde types", ...words.map(quoted)].join(" ");
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
