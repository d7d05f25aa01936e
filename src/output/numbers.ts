/** Numbers as people read them: durations, sizes in powers of two, hexadecimal. */

const steps = [
  ["ns", 1n],
  ["µs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
] as const;
const MINUTE = 60_000_000_000n;
const HOUR = 60n * MINUTE;

/** Three significant digits, without zeros at the end: 1.2, 12.3, 123. */
function threeDigits(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  const text = value.toFixed(digits);
  return digits === 0 ? text : text.replace(/\.?0+$/, "");
}

/** Nanoseconds: `100 ns`, `1.2 µs`, `45 ms`, `2 min 05 s`. Negative ones too: differences of times are signed. */
export function durationText(ns: bigint): string {
  if (ns < 0n) return `-${durationText(-ns)}`;
  if (ns >= HOUR) return `${ns / HOUR} h ${String((ns % HOUR) / MINUTE).padStart(2, "0")} min`;
  if (ns >= MINUTE) return `${ns / MINUTE} min ${String((ns % MINUTE) / 1_000_000_000n).padStart(2, "0")} s`;
  // A unit is left where rounding to three digits would give 1000 of it.
  for (const [unit, size] of steps) {
    const amount = Number(ns) / Number(size);
    if (amount < 999.5 || unit === "s") return `${size === 1n ? ns : threeDigits(amount)} ${unit}`;
  }
  throw new RangeError("unreachable");
}

const suffixes = ["", "K", "M", "G", "T", "P", "E"];

/** A bucket's edge: exact multiples of 1024 as 1K, 64M; everything else in full digits. */
export function edgeText(value: bigint): string {
  let power = 0;
  let rest = value;
  while (rest !== 0n && rest % 1024n === 0n && power < suffixes.length - 1) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${suffixes[power]}`;
}

/** `0x1f`, of negative ones their 64 bits; of bytes their digits. */
export function hexText(value: number | bigint | Uint8Array): string {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
  const whole = BigInt(value);
  return `0x${(whole < 0n ? BigInt.asUintN(64, whole) : whole).toString(16)}`;
}

/** What the numbers of a map or an aggregate are, as far as its name says: nothing else tells. */
export type Unit = "ns" | "none";

/** `ns`, `read_ns`, `readNs`, `nanoseconds`: times. */
export const unitOf = (name: string): Unit => (/(^|[^A-Za-z])ns$|[a-z]Ns$|[nN]anoseconds$/.test(name) ? "ns" : "none");

export const amountText = (value: bigint, unit: Unit): string => (unit === "ns" ? durationText(value) : String(value));

/** An average: whole if it is, else with at most two decimals. */
export function averageText(value: number, unit: Unit = "none"): string {
  if (!Number.isFinite(value)) return "-";
  if (unit === "ns") return durationText(BigInt(Math.round(value)));
  return Number.isInteger(value) ? String(value) : value.toFixed(2).replace(/\.?0+$/, "");
}
