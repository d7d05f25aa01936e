/** `sonde explain`: the bytecode of each handler beside the lines of the script that it comes from; or what an error's code means. */
import { disassemble } from "../../bpf/disassemble.ts";
import { slotIndices } from "../../bpf/encode.ts";
import type { ProgramImage, SessionImage } from "../../compiler/image.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { colorsWanted, type Palette, palette } from "../../output/palette.ts";
import { explainScript } from "../../session/inspect.ts";
import { scriptFile, scriptText } from "../../session/script/source.ts";
import { diagnosticText } from "../diagnostic-text.ts";
import { parseParams } from "../script-params.ts";
import { explainCode } from "./explain-code.ts";

const WHEN = { entry: "at its entry", return: "at its return", session: "at its entry and its return", after: "after it", fault: "when it faults" } as const;

function mapLines(image: SessionImage, paint: Palette): string[] {
  if (image.maps.length === 0) return [];
  const rows = image.maps.map(
    ({ name, type, keySize, valueSize, maxEntries, mmap }, i) =>
      `  ${paint.dim(`#${i}`)} ${name}  ${type}, key ${keySize} B, value ${valueSize} B, ${maxEntries} ${maxEntries === 1 ? "entry" : "entries"}${mmap ? ", shared memory" : ""}`,
  );
  return [paint.strong("maps"), ...rows, ""];
}

/** The instructions in order; where the source line changes, that line stands above them. */
function programLines(program: ProgramImage, image: SessionImage, paint: Palette): string[] {
  const slots = slotIndices(program.instructions);
  const texts = disassemble(program.instructions, {
    map: (index) => image.maps[index]?.name,
    function: (index) => program.functions.find((one) => one.index === index)?.name,
  });
  const lines: string[] = [];
  let shown = "";
  for (const [index, text] of texts.entries()) {
    const local = program.functions.find((one) => one.index === index);
    if (local !== undefined && index > 0) lines.push(paint.strong(`${local.name}:`));
    const entry = program.lines.findLast((one) => one.index <= index);
    const source = entry === undefined ? undefined : image.files[entry.file];
    const place = entry === undefined ? "" : `${entry.file}:${entry.line}`;
    if (source !== undefined && entry !== undefined && place !== shown) {
      lines.push(`${paint.name(`${String(entry.line).padStart(5)} │`)} ${source.text.split("\n")[entry.line - 1]?.trim() ?? ""}`);
      shown = place;
    }
    const { code, comment } = program.instructions[index] ?? { code: 0, comment: undefined };
    lines.push(
      `      ${paint.dim(`${String(slots[index]).padStart(4)}: (${code.toString(16).padStart(2, "0")})`)} ${text}${comment === undefined ? "" : paint.dim(`  ; ${comment}`)}`,
    );
  }
  return lines;
}

export interface ExplainOptions {
  readonly eval?: string;
}

const isCode = (word: string): boolean => /^SONDE_[A-Z0-9_]+$/.test(word);

export async function explain(file: string | undefined, words: readonly string[], options: ExplainOptions): Promise<number> {
  if ((file === undefined) === (options.eval === undefined)) {
    throw new SondeError("SONDE_USAGE", "give one script: a file, or -e with its text", { exit: ExitStatus.usage });
  }
  if (file !== undefined && isCode(file)) return await explainCode(file);
  const source = file === undefined ? scriptText(options.eval ?? "") : scriptFile(file);
  const { image, targets, hostCode, diagnostics } = await explainScript(source, parseParams(words));
  const paint = palette(colorsWanted(process.stdout));
  for (const diagnostic of diagnostics) process.stderr.write(`${diagnosticText(diagnostic, image.files, palette(colorsWanted(process.stderr)))}\n`);
  const lines = mapLines(image, paint);
  for (const program of image.programs) {
    const count = slotIndices(program.instructions).at(-1) ?? 0;
    lines.push(
      `${paint.strong(program.name)}  ${targets[program.probe]} ${WHEN[program.runs]}, about ${count} instructions${program.sleepable ? ", may fault pages in" : ""}`,
    );
    lines.push(...programLines(program, image, paint), "");
  }
  for (const what of hostCode) lines.push(`${paint.strong(what)}  host code, which isn't compiled: it runs in this process while the thread waits`);
  process.stdout.write(`${lines.join("\n")}\n`);
  return ExitStatus.ok;
}
