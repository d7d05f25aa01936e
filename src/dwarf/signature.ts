/** A function's parameters and result from debug information, each with its place: at the first instruction, and at the return. */
import type { CPlace, CType, PlacePiece, Signature } from "../schema/ctypes.ts";
import { type AbiType, argumentsOf, hiddenResult, none, resultPlace } from "./abi.ts";
import { goPlaces } from "./abi-go.ts";
import { abiTypeOf } from "./abi-layout.ts";
import { rustPlaces } from "./abi-rust.ts";
import { DW_AT, DW_LANG, DW_TAG } from "./constants.ts";
import type { DebugInfo, Entry } from "./entry.ts";
import { environmentOf } from "./rust-closures.ts";
import { isUnoptimized, placeAtEntry } from "./signature-entry.ts";
import { declarations, declared, languageOf } from "./type-names.ts";
import { type Definitions, StructTable, typeOf } from "./types.ts";
import { definitionsIn } from "./types-definitions.ts";
import { isLost } from "./units.ts";

/** Parameters of one function; what comes behind is left out. */
const MAX_PARAMETERS = 256;
/** DW_AT_calling_convention: the compiler has changed how a function that only it calls is called. */
const NOCALL = 3;

export interface SignatureOptions {
  /** Finds what the function's unit only declares; by default looks for it in all units. */
  readonly definitions?: Definitions;
  /** The name of the function's symbol: ".constprop.0" in it says that the function is a variant with parameters of its own. */
  readonly symbol?: string;
  /** Where the structures go, if signatures share them; by default each has a table of its own. */
  readonly structs?: StructTable;
}

/** A parameter, as a function's instance and as what it is an instance of have it. */
export interface Parameter {
  /** The instance's; undefined: it has none of this parameter. */
  readonly entry: Entry | undefined;
  readonly name: string | undefined;
  readonly type: Entry | undefined;
  /** One of Go's results. */
  readonly result: boolean;
  readonly artificial: boolean;
}

/**
 * In the order of the source. An inlined or cloned function's are those of its origin: its own entry may lack some.
 * What C++ compilers add is in it if it is passed: `this`, the table of a constructor with virtual bases.
 */
export function parametersOf(entry: Entry): readonly Parameter[] {
  const own = [...formals(entry)];
  const byOrigin = new Map<Entry["key"], Entry>();
  for (const one of own) for (const of of declarations(one)) byOrigin.set(of.key, one);
  let listed = own;
  const origin = entry.reference(DW_AT.abstract_origin);
  if (origin !== undefined) {
    const whole = [...formals(origin)];
    // A parameter of the instance that its origin doesn't have would be a lie, or a pack's: then the instance's list it is.
    if (whole.length >= own.length) listed = whole;
  }
  const result: Parameter[] = [];
  const named = new Set<string>();
  const go = languageOf(entry.unit) === DW_LANG.Go;
  for (const one of listed) {
    const instance = byOrigin.get(one.key);
    const name = declared(one, (of) => of.name);
    const artificial = declared(one, (of) => of.flag(DW_AT.artificial) || undefined) === true;
    // Whether a constructor constructs virtual bases: no instance takes it.
    if (artificial && (name === "__in_chrg" || (name === "__vtt_parm" && instance === undefined))) continue;
    // Go's compiler may list a result twice (seen with 1.19, of structures with a field `_`).
    if (go && name !== undefined && name !== "_" && (named.has(name) || !named.add(name))) continue;
    result.push({
      entry: instance,
      name: name === "" ? undefined : name,
      type: declared(one, (of) => of.reference(DW_AT.type)),
      result: one.flag(DW_AT.variable_parameter) === true && go,
      artificial,
    });
  }
  return result;
}

function* formals(entry: Entry, depth = 0): Generator<Entry> {
  let count = 0;
  for (const child of entry.children()) {
    if (child.tag === DW_TAG.formal_parameter && ++count <= MAX_PARAMETERS) yield child;
    if (child.tag === DW_TAG.GNU_formal_parameter_pack && depth === 0) yield* formals(child, 1);
  }
}

/** "arg2" for the third parameter, if it has no name, as scripts call it by its position; Go's `_` and `~p2` are none. Results are "r0", … */
function named(parameters: readonly Parameter[], language: number | undefined): string[] {
  const taken = new Set<string>();
  return parameters.map(({ name, result }, i) => {
    const own = language === DW_LANG.Go && (name === "_" || name?.startsWith("~")) ? undefined : name;
    let unique = own ?? `${result ? "r" : "arg"}${i}`;
    while (taken.has(unique)) unique += "_";
    taken.add(unique);
    return unique;
  });
}

/**
 * The signature of a function's entry (a subprogram with an address, or what one is an instance of). At the first instruction of
 * optimized code, what the debug information says for it counts, else the convention of the language; that alone in code that
 * isn't optimized, where parameters have their place only after the prologue. A static function whose parameter has no place at
 * its first instruction may have been changed by the compiler: such a parameter is nowhere.
 * Rust's `extern "C"` isn't written down: a function whose name isn't mangled is taken for it.
 * Undefined: what the function is an instance of is in a file that isn't there.
 */
export function signatureOf(debug: DebugInfo, entry: Entry, options: SignatureOptions = {}): Signature | undefined {
  for (const one of declarations(entry)) if (isLost(one)) return undefined;
  const structs = options.structs ?? new StructTable(options.definitions ?? definitionsIn(debug));
  const language = languageOf(entry.unit);
  const all = parametersOf(entry);
  const params = all.filter((one) => !one.result);
  const results = all.filter((one) => one.result);
  const names = named(params, language);
  const types = params.map(({ type }, i) => typeOf(type, structs, names[i]));
  const returned = declared(entry, (one) => one.reference(DW_AT.type));

  if (language === DW_LANG.Go) {
    const registers = goRegisters(entry.unit.producer);
    const passed = (list: readonly Parameter[]): AbiType[] => list.map(({ type }) => abiTypeOf(type, structs, 1));
    const places = goPlaces(passed(params), passed(results), registers);
    const said = params.map((one) => one.entry && placeAtEntry(one.entry, entry).place);
    const ret = goResult(results, named(results, language), places.results, structs);
    return finish(names, types, goParameters(said, places.params), ret.type, ret.place, structs);
  }

  const ret = typeOf(returned, structs, "result");
  const mine = conventional(entry, params, returned, structs);
  const said = params.map((one) => one.entry && placeAtEntry(one.entry, entry));
  const changed = isChanged(entry, options.symbol) || said.some((one, i) => one?.place !== undefined && differs(one.place, mine.params[i]!));
  const external = declared(entry, (one) => one.flag(DW_AT.external) || undefined) === true;
  // Code that isn't optimized has parameters in memory once the prologue is done, and says nothing of before.
  const plain = said.every((one) => one !== undefined && one.place === undefined && (one.fixed || one.first?.k === "memory"));
  const places = said.map((one, i): CPlace => {
    const own = mine.params[i]!;
    // Of what a function doesn't use, debug information lacks a part; who calls from elsewhere passes it all the same.
    if (!changed && external && own.k === "registers" && one?.place !== undefined && isPartial(one.place)) return own;
    // Memory that isn't where the caller puts arguments can't have the argument yet.
    if (one?.place !== undefined && (changed || !isInMemory(one.place))) return one.place;
    // What has no bytes is passed in no way.
    if (own.k === "registers" && own.parts.length === 0) return own;
    if (changed) return none("the compiler has changed how this function is called");
    const agrees = one?.place !== undefined || (one?.first !== undefined && same(one.first, own));
    return external || one?.fixed || agrees || plain ? own : none("the compiler has removed it");
  });
  return finish(names, types, places, ret, changed ? none("the compiler has changed how this function is called") : mine.ret, structs);
}

function finish(names: readonly string[], types: readonly CType[], places: readonly CPlace[], ret: CType, retPlace: CPlace, structs: StructTable): Signature {
  return {
    params: names.map((name, i) => ({ name, type: types[i]!, place: places[i]! })),
    ret,
    ...(ret.k !== "void" && { retPlace }),
    structs: structs.structs(),
  };
}

/** The places that the language's convention gives. */
function conventional(
  entry: Entry,
  params: readonly Parameter[],
  returned: Entry | undefined,
  structs: StructTable,
): { readonly params: readonly CPlace[]; readonly ret: CPlace } {
  const mangled = /^(_ZN|_R)/.test(declared(entry, (one) => one.text(DW_AT.linkage_name)) ?? "");
  if (languageOf(entry.unit) === DW_LANG.Rust && mangled) {
    const version = /rustc version 1\.(\d+)/.exec(entry.unit.producer ?? "")?.[1];
    const passed = params.map(({ type }) => abiTypeOf(type, structs, 0));
    const environment = environmentOf(entry, params[0], structs);
    const places = rustPlaces(passed, abiTypeOf(returned, structs, 0), version === undefined ? undefined : Number(version), environment && [environment]);
    return { ...places, ret: givenBack(places.ret, entry) };
  }
  const ret = abiTypeOf(returned, structs, Number.POSITIVE_INFINITY);
  const args = argumentsOf(hiddenResult(ret));
  const passed = params.map(({ type }) => args.next(abiTypeOf(type, structs, Number.POSITIVE_INFINITY)));
  return {
    params: ret.unclear === undefined ? passed : passed.map(() => none(`how the function's result, ${ret.unclear}, is returned isn't known`)),
    ret: givenBack(resultPlace(ret), entry),
  };
}

/**
 * A result in memory has its address in rax at the return. What LLVM has optimized needn't keep to that where it knows all callers:
 * seen with rustc 1.95 and clang 14 at -O3, and with LTO.
 */
function givenBack(place: CPlace, entry: Entry): CPlace {
  if (place.k !== "memory" || !/\b(?:clang|LLVM|rustc)\b/.test(entry.unit.producer ?? "") || isUnoptimized(entry)) return place;
  return none("optimized code needn't say at its return where it has put a result of this size");
}

/**
 * Whether a place that the debug information gives isn't the convention's. One that is in fewer registers is: nobody looks at the
 * rest. So is what is computed from its registers alone: clang takes small structures apart so.
 */
function differs(said: CPlace, convention: CPlace): boolean {
  if (said.k === "value") return !isComputedFrom(said, convention);
  if (said.k === "pieces") {
    return said.parts.some(({ offset, place }) =>
      differs(place.k === "registers" ? { ...place, parts: place.parts.map((part) => ({ ...part, offset: offset + part.offset })) } : place, convention),
    );
  }
  if (said.k !== "registers" || convention.k === "none") return false;
  if (convention.k !== "registers") return true;
  return said.parts.some((part) => !convention.parts.some((one) => one.register === part.register && one.offset === part.offset));
}

function isComputedFrom({ steps }: Extract<CPlace, { k: "value" }>, convention: CPlace): boolean {
  const read = steps.flatMap((step) => (step.op === "register" ? step.register : []));
  const inMemory = steps.some(({ op }) => op === "read");
  return read.length > 0 && !inMemory && convention.k === "registers" && read.every((name) => convention.parts.some(({ register }) => register === name));
}

const isPartial = (place: CPlace): boolean => place.k === "pieces" && place.parts.some((part) => part.place.k === "none");

const isInMemory = (place: CPlace): boolean => place.k === "memory" || (place.k === "pieces" && place.parts.some((part) => part.place.k === "memory"));

/** Whether two places are one, as far as can be told without computing. */
function same(a: CPlace, b: CPlace): boolean {
  if (a.k === "registers" && b.k === "registers") return !differs(a, b);
  if (a.k !== "memory" || b.k !== "memory") return false;
  const text = (place: typeof a): string => place.address.map((step) => Object.values(step).join(" ")).join(", ");
  return text(a) === text(b);
}

const isChanged = (entry: Entry, symbol: string | undefined): boolean =>
  entry.number(DW_AT.calling_convention) === NOCALL || /\.(constprop|isra|part|specialized)\b/.test(symbol ?? "");

/** Go ≥ 1.17 says in the unit's producer that it passes in registers. */
const goRegisters = (producer: string | undefined): boolean => /\bregabi\b/.test(producer ?? "") || !/go1\.(\d|1[0-6])\b/.test(producer ?? "");

/**
 * Debug information of Go lacks parameters that are called `_`, though they are passed: a place by the convention is sure only if
 * that of a later parameter in the same kind of registers is what the convention says.
 */
function goParameters(said: readonly (CPlace | undefined)[], convention: readonly CPlace[]): readonly CPlace[] {
  const kinds = (place: CPlace): readonly boolean[] => (place.k === "registers" ? place.parts.map((part) => part.register.startsWith("xmm")) : []);
  return convention.map((own, i) => {
    const place = said[i];
    if (place !== undefined) return place.k === "memory" ? own : place;
    if (own.k !== "registers") return own;
    const confirmed = new Set(
      convention.slice(i + 1).flatMap((later, n) => (said[i + 1 + n]?.k === "registers" && same(said[i + 1 + n]!, later) ? kinds(later) : [])),
    );
    return kinds(own).every((kind) => confirmed.has(kind)) ? own : none("the function makes no use of it");
  });
}

/** Several results are a structure of them, in registers or in memory together. */
function goResult(
  results: readonly Parameter[],
  names: readonly string[],
  places: readonly CPlace[],
  structs: StructTable,
): { readonly type: CType; readonly place: CPlace } {
  const types = results.map(({ type }) => typeOf(type, structs));
  if (types.length <= 1) return { type: types[0] ?? { k: "void" }, place: places[0] ?? none("there is none") };
  let size = 0;
  const fields = types.map((type, i) => {
    const { align } = abiTypeOf(results[i]!.type, structs, 1);
    const offset = Math.ceil(size / align) * align;
    size = offset + structs.sizeOf(type);
    return { name: names[i]!, offset, type };
  });
  const name = structs.add("results", Math.ceil(size / 8) * 8, fields);
  if (name === undefined) return { type: { k: "unknown", size, what: "several results" }, place: none("there are too many structures") };
  const parts = places.flatMap((place, i): PlacePiece[] => {
    const { offset, type } = fields[i]!;
    if (place.k === "registers") {
      return place.parts.map((part) => ({ offset: offset + part.offset, size: part.size, place: { k: "registers", parts: [{ ...part, offset: 0 }] } }));
    }
    const bytes = structs.sizeOf(type);
    return bytes === 0 || place.k === "pieces" ? [] : [{ offset, size: bytes, place }];
  });
  return { type: { k: "struct", name }, place: { k: "pieces", parts: withGaps(parts) } };
}

/** Pieces in order, with some for the bytes between them that nothing is known of. */
function withGaps(parts: readonly PlacePiece[]): PlacePiece[] {
  let end = 0;
  return parts
    .toSorted((a, b) => a.offset - b.offset)
    .flatMap((part) => {
      const gap: PlacePiece[] = part.offset > end ? [{ offset: end, size: part.offset - end, place: { k: "none", why: "it is between fields" } }] : [];
      end = part.offset + part.size;
      return [...gap, part];
    });
}
