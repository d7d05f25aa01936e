/** Writes what is known of functions, tracepoints and structures as a `.d.ts` file that merges it into the module "sonde". */
import type { CField, CStruct, CType, Signature } from "../../schema/ctypes.ts";
import { propertyName } from "./identifiers.ts";
import type { DeclaredStruct, StructTable, TypeRoot } from "./structures.ts";
import { TypeWriter } from "./type-text.ts";

export interface DeclaredFunction {
  /** As scripts write it: "postgres:exec_simple_query". Several of one target have what they share. */
  readonly target: string;
  readonly signature: Signature;
}

export interface DeclaredTracepoint {
  /** "sched:sched_switch". */
  readonly name: string;
  /** "text": the record holds it. */
  readonly fields: readonly { readonly name: string; readonly type: CType | "text" }[];
}

export interface Declared {
  /** Comment lines that the file begins with. */
  readonly header: readonly string[];
  readonly functions?: readonly DeclaredFunction[];
  /** Static probes, "python3:python:line"; their results mean nothing. */
  readonly usdts?: readonly DeclaredFunction[];
  readonly tracepoints?: readonly DeclaredTracepoint[];
  /** Entries of `KernelTypes`, by name. */
  readonly kernelTypes?: readonly { readonly name: string; readonly type: CType }[];
  /** What the types of `tracepoints` and `kernelTypes` mention. */
  readonly structs?: StructTable;
  /** How many pointers are followed from a parameter; beyond, a pointer is an address. All unless said. */
  readonly depth?: number;
}

/** Longer unions have a line for each name. */
const LINE = 120;

/** The same text for the same input. */
export function declarationsText({ header, functions = [], usdts = [], tracepoints = [], kernelTypes = [], structs = {}, depth = Infinity }: Declared): string {
  const writer = new TypeWriter(
    [
      ...[...functions, ...usdts].flatMap(({ signature }) => rootsOf(signature)),
      ...tracepoints.flatMap(({ fields }) => fields.flatMap(({ type }) => (type === "text" ? [] : [{ type, structs }]))),
      ...kernelTypes.map(({ type }) => ({ type, structs })),
    ],
    depth,
  );
  const tracepointEntries = tracepoints.map(({ name, fields }) => {
    const args = fields.map((field): Property => [field.name, field.type === "text" ? "string" : writer.text(field.type, structs)]);
    return `${JSON.stringify(name)}: { args: ${braced(args)} };`;
  });
  const registries = [
    registry("Functions", functionEntries(functions, writer, true)),
    registry("Usdts", functionEntries(usdts, writer, false)),
    registry("Tracepoints", tracepointEntries),
    registry(
      "KernelTypes",
      kernelTypes.map(({ name, type }) => `${propertyName(name)}: ${writer.text(type, structs)};`),
    ),
  ];
  const interfaces = writer.structures.all.map((struct) => interfaceText(struct, writer));
  const aliases = writer.aliases().map(({ identifier, names }) => aliasText(identifier, names));
  const used = [...writer.used].sort();
  return [
    ...header.map((line) => `// ${oneLine(line)}`),
    used.length > 0 ? `import type { ${used.join(", ")} } from "sonde";` : "export {};",
    'declare module "sonde" {',
    ...registries.flat(),
    "}",
    ...aliases,
    ...interfaces,
    "",
  ].join("\n");
}

type Property = readonly [name: string, type: string];

const rootsOf = ({ params, ret, structs }: Signature): TypeRoot[] => [...params.map(({ type }) => type), ret].map((type) => ({ type, structs }));

function registry(name: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [`  interface ${name} {`, ...entries.map((entry) => `    ${entry}`), "  }"];
}

/** Functions of one target have the parameters whose name and type are in all, and the result if it is the same in all. */
function functionEntries(functions: readonly DeclaredFunction[], writer: TypeWriter, results: boolean): string[] {
  const byTarget = new Map<string, { args: readonly Property[]; ret: string }>();
  for (const { target, signature } of functions) {
    const args = named(signature.params.map(({ name, type }): Property => [name, writer.text(type, signature.structs)]));
    const ret = results ? writer.text(signature.ret, signature.structs) : "";
    const other = byTarget.get(target);
    if (other === undefined) byTarget.set(target, { args, ret });
    else {
      const shared = args.filter(([name, type]) => other.args.some(([otherName, otherType]) => name === otherName && type === otherType));
      if (ret !== other.ret) writer.used.add("i64");
      byTarget.set(target, { args: shared, ret: ret === other.ret ? ret : "i64" });
    }
  }
  return [...byTarget].map(([target, { args, ret }]) => `${JSON.stringify(target)}: { args: ${braced(args)}${ret === "" ? "" : `; ret: ${ret}`} };`);
}

/** What has a name, each name once: the first is the one that is found by it. */
function named<P extends readonly [name: string, ...unknown[]]>(properties: readonly P[]): P[] {
  const names = new Set<string>();
  return properties.filter(([name]) => name !== "" && !names.has(name) && names.add(name));
}

function braced(properties: readonly Property[]): string {
  const texts = named(properties).map(([name, type]) => `${propertyName(name)}: ${type}`);
  return texts.length === 0 ? "{}" : `{ ${texts.join("; ")} }`;
}

/** The tag says which structure of the target it is: `p as Ptr<T>` goes by it. */
function interfaceText({ struct, structs, identifier }: DeclaredStruct, writer: TypeWriter): string {
  const fields = named(struct.fields.map((field) => [field.name, field] as const));
  const lines = fields.map(
    ([name, field]) => `  ${propertyName(name)}: ${writer.text(field.type, structs)}${field.when === undefined ? "" : " | undefined"};${remark(field)}`,
  );
  const element = elementOf(struct);
  const base = element === undefined ? "" : ` extends ${writer.slice(element, structs)}`;
  const head = `/** @sonde ${oneLine(struct.name).replaceAll("*/", "*\\/")} */\nexport interface ${identifier}${base} {`;
  return lines.length === 0 ? `${head}}` : [head, ...lines, "}"].join("\n");
}

/** Of a slice; undefined too where its fields would contradict what every slice has. */
function elementOf({ slice, fields }: CStruct): CType | undefined {
  const field = (name: string | undefined): CType | undefined => fields.find((one) => one.name === name)?.type;
  const address = field(slice?.address);
  const length = field("length");
  const fits = (length === undefined || length.k === "int") && fields.every(({ name }) => !/^\d/.test(name) && name !== "~slice");
  return fits && address?.k === "pointer" ? address.to : undefined;
}

function remark({ bits, type }: CField): string {
  if (bits !== undefined) return ` // ${bits.size} ${bits.size === 1 ? "bit" : "bits"}`;
  return type.k === "unknown" ? ` // ${oneLine(type.what)}` : "";
}

function aliasText(identifier: string, names: readonly string[]): string {
  const line = `export type ${identifier} = ${names.join(" | ")};`;
  return line.length <= LINE ? line : `export type ${identifier} =\n${names.map((name) => `  | ${name}`).join("\n")};`;
}

/** Names come out of files: none ends a comment's line. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]/gu, "?").slice(0, 1000);
