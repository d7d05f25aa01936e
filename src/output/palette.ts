/** The few colours of sonde's output, or none. */
import colors from "picocolors";

export interface Palette {
  readonly name: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bar: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly fail: (text: string) => string;
}

/** NO_COLOR, FORCE_COLOR, TERM=dumb and a stream that is no terminal are the caller's to judge. */
export function palette(enabled: boolean): Palette {
  const c = colors.createColors(enabled);
  return { name: (text) => c.bold(c.cyan(text)), dim: c.dim, bar: c.cyan, strong: c.bold, warn: c.yellow, fail: c.red };
}

export function colorsWanted(stream: { readonly isTTY?: boolean }, env: { readonly [name: string]: string | undefined } = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0") return true;
  return stream.isTTY === true && env.TERM !== "dumb";
}
