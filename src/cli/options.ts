/** Reads the values of options: process ids and names, durations, formats. A wrong one is a usage error that says what is right. */
import { InvalidArgumentError } from "commander";

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `5s`, `500ms`, `1.5m`, `2h`; a bare number is seconds. Gives milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = match ? Number(match[1]) * (UNITS[match[2] ?? "s"] ?? 0) : 0;
  if (ms < 1 || ms > 2 ** 31 - 1) throw new InvalidArgumentError("A duration is a number with ms, s, m or h behind it, as 500ms or 5s.");
  return Math.round(ms);
}

/** `5%`, `0.5%`: a share of a CPU. Several CPUs may be taken: 150%. */
export function parseShare(text: string): number {
  const share = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1]) / 100;
  if (!(share > 0 && share <= 1024)) throw new InvalidArgumentError("It is a share of a CPU in percent, as 5% or 0.5%.");
  return share;
}

/** A whole number, 0 or more. */
export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a whole number, 0 or more.");
  return Number(text);
}

/** May be given several times; each may be a list with commas. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [
    ...(before ?? []),
    ...text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  ];
}
