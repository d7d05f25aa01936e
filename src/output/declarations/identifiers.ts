/** Names of a program's types as TypeScript's: identifiers that mean nothing else where generated declarations stand. */

/** What the module "sonde" calls a type: inside its augmentation these names mean sonde's. Those of lib/sonde.d.ts and of what it exports from beside it, exported or not. */
export const VOCABULARY_TYPES: ReadonlySet<string> = new Set(
  `Aggregate AggregateArray AggregateMap AnySlice Avg Bytes CArray CallHandlers Carriable Carried Carry Count Discard Element EndReason Engine EnterHit EventSource
  Events EventsOf FaultHit Fields Formatted Frame FunctionType Functions Handler Hist Histogram Hit Host In InstructionHandlers Int IntType
  InterceptEnter InterceptHit InterceptLeave KernelTypes Key Known Leaf LeaveHit MapOptions MapsOf Max Memory Min Named Num OpenOptions Pointee
  Printable Probe ProbeOptions Ptr RawArgs Readable ReadableMap Register RetOf SampleHit Seen Session Shape Slice SondeError Stack Stacks Stats StatsValue
  StructType Sum Summary TracepointHit Tracepoints Type Unsafe Untyped UsdtHit Usdts UserHit ValueArray ValueMap Variable VectorRegisters Whole
  bool comm f64 func i16 i32 i64 i8 stack u16 u32 u64 u8`.split(/\s+/),
);

/** Words that can't name a type in a module: TypeScript's own types, and what ECMAScript reserves in strict code. */
const RESERVED: ReadonlySet<string> = new Set(
  `any bigint boolean never null number object string symbol undefined unknown void
  arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if
  implements import in instanceof interface let new package private protected public return static super switch this throw true try typeof var
  while with yield`.split(/\s+/),
);

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Names of C++ templates may have thousands of characters. */
const LONGEST = 80;

export const isTypeName = (name: string): boolean => name.length <= LONGEST && IDENTIFIER.test(name) && !RESERVED.has(name) && !VOCABULARY_TYPES.has(name);

/** A property's name: as it is, or quoted. */
export const propertyName = (name: string): string => (IDENTIFIER.test(name) ? name : JSON.stringify(name));

/** Gives each name that is asked for another identifier. */
export class Identifiers {
  readonly #taken = new Set<string>();

  /** `std::vector<int>` → `std_vector_int`, `[]string` → `slice_string`; a name that is taken gets a number. */
  take(name: string): string {
    const wanted = isTypeName(name) ? name : readable(name);
    let identifier = wanted;
    for (let n = 2; this.#taken.has(identifier); n++) identifier = `${wanted}_${n}`;
    this.#taken.add(identifier);
    return identifier;
  }
}

function readable(name: string): string {
  const words = name
    .slice(0, 4 * LONGEST)
    .replace(/^(?:&(?:mut )?)?\[\]?/, "slice ")
    .replace(/[^\w$]+/g, "_")
    .replace(/^_+(?=[^_])|_+$/g, "")
    .slice(0, LONGEST - 1);
  const identifier = /^[A-Za-z_$]/.test(words) ? words : `_${words}`;
  return isTypeName(identifier) ? identifier : `${identifier}_`;
}
