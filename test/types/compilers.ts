/** Type-checks scripts with declarations by TypeScript 6 and 7, as a user's editor and `tsc` do. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = dirname(dirname(import.meta.dirname));

/** Each with the command that runs it. Seven is a program of its own, of which only the machine's part is installed. */
export const compilers: { readonly [name: string]: readonly [command: string, ...args: string[]] } = {
  "TypeScript 6": [process.execPath, join(root, "node_modules/typescript/bin/tsc")],
  "TypeScript 7": [join(root, "node_modules/@typescript/typescript-linux-x64/lib/tsc")],
};

export interface Mistake {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** A folder of scripts and declarations, with a tsconfig in which they find the vocabulary. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "sonde-types-"));

  constructor(files: { readonly [name: string]: string }) {
    const compilerOptions = {
      target: "es2022",
      lib: ["es2022", "esnext.disposable"],
      module: "esnext",
      moduleResolution: "bundler",
      types: [],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      paths: { sonde: [join(root, "lib/sonde.d.ts")], "sonde/types/*": [join(root, "lib/types/*.d.ts")] },
    };
    this.#write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
    for (const [name, text] of Object.entries(files)) this.#write(name, text);
  }

  check(compiler: string): Mistake[] {
    const [command, ...args] = compilers[compiler]!;
    const { stdout, stderr, error } = spawnSync(command, [...args, "-p", this.folder, "--pretty", "false"], { encoding: "utf8", cwd: this.folder });
    if (error !== undefined) throw error;
    const mistakes = [...stdout.matchAll(/^(\S[^(\n]*)\((\d+),\d+\): error (.*)$/gm)].map(([, file, line, message]) => ({
      file: file!,
      line: Number(line),
      message: message!,
    }));
    // What isn't about a place is about the project.
    if (mistakes.length === 0 && (stdout + stderr).trim() !== "") throw new Error(stdout + stderr);
    return mistakes;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #write(name: string, text: string): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
