/**
 * An index of functions as bytes, which is what it is in memory too: a header, a table of where each column begins, the
 * columns. Read back, nothing is parsed. Little-endian, as all that sonde runs on.
 */

/** Columns in the order of the bytes; and the bytes of a number of each. */
const COLUMNS = {
  units: 4,
  offsets: 4,
  names: 4,
  linkageNames: 4,
  scopes: 4,
  /** What each scope is in, which comes before it, and its name; the first is none. */
  scopeParents: 4,
  scopeNames: 4,
  lows: 8,
  flags: 4,
  origins: 4,
  /** Rows by name, linkage name: those without one first. */
  byName: 4,
  byLinkageName: 4,
  /** Sorted by where they begin. */
  rangeLows: 8,
  rangeSizes: 4,
  rangeRows: 4,
  /** Row `i` has parameters `parameterStarts[i]` to `parameterStarts[i + 1]`. */
  parameterStarts: 4,
  parameterNames: 4,
  parameterTypes: 4,
  parameterSpaces: 1,
  copyStarts: 4,
  copyAddresses: 8,
  texts: 1,
  textStarts: 4,
  /** Numbers of texts by hash: a table with open addressing. */
  textSlots: 4,
} as const;

type Column = keyof typeof COLUMNS;
export type IndexColumns = {
  readonly [name in Column]: (typeof COLUMNS)[name] extends 8 ? Float64Array : (typeof COLUMNS)[name] extends 4 ? Uint32Array : Uint8Array;
};

/** "SONDEFNS"; changes with all that would be misread. */
const MAGIC = [0x444e4f53, 0x534e4645] as const;
const VERSION = 2;
const NAMES = Object.keys(COLUMNS) as Column[];
/** Magic, version, number of columns, length of all. */
const HEADER_SIZE = 24;
/** Where a column begins and how many numbers it has, as 64-bit numbers. */
const ROW_SIZE = 16;
const aligned = (at: number): number => (at + 7) & ~7;

export function encodeColumns(columns: IndexColumns): Uint8Array {
  let size = HEADER_SIZE + NAMES.length * ROW_SIZE;
  const places = NAMES.map((name) => {
    const at = size;
    size = aligned(size + columns[name].byteLength);
    return at;
  });
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC[0], true);
  view.setUint32(4, MAGIC[1], true);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, NAMES.length, true);
  view.setFloat64(16, size, true);
  for (const [i, name] of NAMES.entries()) {
    const column = columns[name];
    view.setFloat64(HEADER_SIZE + i * ROW_SIZE, places[i]!, true);
    view.setFloat64(HEADER_SIZE + i * ROW_SIZE + 8, column.length, true);
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), places[i]!);
  }
  return bytes;
}

/** The columns, views of the bytes; undefined for what isn't of this version or isn't whole. */
export function decodeColumns(from: Uint8Array): IndexColumns | undefined {
  if (from.length < HEADER_SIZE + NAMES.length * ROW_SIZE) return undefined;
  const bytes = from.byteOffset % 8 === 0 ? from : new Uint8Array(from);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC[0] || view.getUint32(4, true) !== MAGIC[1] || view.getUint32(8, true) !== VERSION) return undefined;
  if (view.getUint32(12, true) !== NAMES.length || view.getFloat64(16, true) !== bytes.length) return undefined;
  const columns: { [name: string]: Uint8Array | Uint32Array | Float64Array } = {};
  for (const [i, name] of NAMES.entries()) {
    const at = view.getFloat64(HEADER_SIZE + i * ROW_SIZE, true);
    const length = view.getFloat64(HEADER_SIZE + i * ROW_SIZE + 8, true);
    if (!Number.isSafeInteger(at) || !Number.isSafeInteger(length) || at < 0 || length < 0 || at % 8 !== 0) return undefined;
    if (at + length * COLUMNS[name] > bytes.length) return undefined;
    const start = bytes.byteOffset + at;
    const size = COLUMNS[name];
    columns[name] =
      size === 8
        ? new Float64Array(bytes.buffer, start, length)
        : size === 4
          ? new Uint32Array(bytes.buffer, start, length)
          : new Uint8Array(bytes.buffer, start, length);
  }
  return areWhole(columns as unknown as IndexColumns) ? (columns as unknown as IndexColumns) : undefined;
}

/** Whether columns that belong together are of one length, and tables of starts end where what they point into ends. */
function areWhole(columns: IndexColumns): boolean {
  const rows = columns.units.length;
  const same = (length: number, ...names: readonly Column[]): boolean => names.every((name) => columns[name].length === length);
  const ends = (starts: Uint32Array, length: number): boolean => starts.at(-1) === length;
  return (
    same(rows, "offsets", "names", "linkageNames", "scopes", "lows", "flags", "origins", "byName", "byLinkageName") &&
    same(columns.scopeNames.length, "scopeParents") &&
    same(rows + 1, "parameterStarts", "copyStarts") &&
    same(columns.rangeLows.length, "rangeSizes", "rangeRows") &&
    same(columns.parameterNames.length, "parameterTypes", "parameterSpaces") &&
    ends(columns.parameterStarts, columns.parameterNames.length) &&
    ends(columns.copyStarts, columns.copyAddresses.length) &&
    ends(columns.textStarts, columns.texts.length) &&
    Math.log2(columns.textSlots.length) % 1 === 0
  );
}
