/** Replaces parts of a text and keeps every line where it was. */

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export class Edits {
  readonly #text: string;
  readonly #edits: Edit[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Puts `text` there, followed by the line breaks that were there. An edit inside a replaced part is dropped. */
  replace(start: number, end: number, text: string): void {
    const breaks = this.#text.slice(start, end).match(/\r?\n/g)?.length ?? 0;
    const own = text.match(/\n/g)?.length ?? 0;
    this.#edits.push({ start, end, text: text + "\n".repeat(Math.max(0, breaks - own)) });
  }

  /** Spaces instead of everything but line breaks, so that columns stay; `first` and `last` go to the ends. */
  blank(start: number, end: number, first = "", last = ""): void {
    if (end <= start) return;
    const spaces = this.#text.slice(start, end).replace(/[^\r\n]/g, " ");
    const body = spaces.slice(first.length, Math.max(first.length, spaces.length - last.length));
    this.#edits.push({ start, end, text: first + body + last });
  }

  apply(): string {
    const sorted = this.#edits.toSorted((a, b) => a.start - b.start || b.end - a.end);
    let out = "";
    let at = 0;
    for (const edit of sorted) {
      if (edit.start < at) continue;
      out += this.#text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return out + this.#text.slice(at);
  }
}
