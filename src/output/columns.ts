/** Text in columns: widths as a terminal counts them, padding, bars of eighths. */

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const narrow = /^[\x20-\x7e]*$/;

/** Columns that a text takes: East Asian and emoji characters take two, combining ones none. */
export function width(text: string): number {
  if (narrow.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += /\p{M}|\u200d|\ufe0f/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
}

export const padEnd = (text: string, to: number): string => text + " ".repeat(Math.max(0, to - width(text)));
export const padStart = (text: string, to: number): string => " ".repeat(Math.max(0, to - width(text))) + text;

/** At most `columns` wide; what was left out shows as "…". */
export function shorten(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  for (const character of text) {
    if (width(kept + character) > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Broken between words into lines of at most `columns`; a longer word stands alone. Lines that are there stay. */
export function wrap(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => {
    if (width(line) <= columns) return [line];
    const lines: string[] = [];
    let current = /^ */.exec(line)![0];
    for (const word of line.trimStart().split(" ")) {
      if (current.trim() !== "" && width(current) + 1 + width(word) > columns) {
        lines.push(current);
        current = word;
      } else current = current.trim() === "" ? current + word : `${current} ${word}`;
    }
    return [...lines, current];
  });
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** `part` of `whole` as a bar of at most `columns`; anything that isn't zero shows. */
export function bar(part: bigint, whole: bigint, columns: number): string {
  if (whole <= 0n || part <= 0n || columns <= 0) return "";
  const units = Number((part * BigInt(columns) * 8n) / whole);
  const shown = Math.max(1, Math.min(units, columns * 8));
  return "█".repeat(Math.floor(shown / 8)) + eighths[shown % 8]!;
}
