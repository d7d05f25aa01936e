/** One value as text: in a print, as a key, as a field. */
import { Histogram } from "../schema/histogram.ts";
import { frameText, Stack } from "../schema/stack.ts";
import { averageText, hexText } from "./numbers.ts";

export const UNREADABLE = "<unreadable>";

const controls = /\p{Cc}/gu;
const named: { readonly [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u001b": "\\e", "\0": "\\0" };

/** Text of the target, made harmless: a line stays a line, and no escape sequence reaches the terminal. */
export function plainText(text: string): string {
  return text.replace(controls, (c) => named[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Bytes: their text where they are printable ASCII, else in hexadecimal. */
function bytesText(bytes: Uint8Array): string {
  const printable = bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09);
  return printable ? plainText(String.fromCharCode(...bytes)) : hexText(bytes);
}

/** A stack's frames, a line each; what its program calls its functions is made harmless as well. */
export const stackLines = ({ frames, cut }: Stack): string[] =>
  frames.length === 0 ? ["<no stack>"] : [...frames.map((frame) => plainText(frameText(frame))), ...(cut ? ["…"] : [])];

export function valueText(value: unknown): string {
  if (value === undefined) return UNREADABLE;
  if (value instanceof Stack)
    return stackLines(value)
      .map((line) => `\n    ${line}`)
      .join("");
  if (typeof value === "string") return plainText(value);
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof Histogram) return `${value.count} values, avg ${averageText(value.avg)}`;
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, field]) => `${name}: ${valueText(field)}`)
      .join(", ")} }`;
  return String(value);
}
