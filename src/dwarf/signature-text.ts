/** Functions as a person reads them in a list: "int open(const char *file, int oflag)", "fn a::first(text: &str) -> u8". */
import { DW_AT, DW_LANG, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { parametersOf } from "./signature.ts";
import { declare, declared, isC, languageOf, qualifiedName, typeName } from "./type-names.ts";

/** The declaration of a function's entry in the writing of its language; `this` and what else the compiler adds are left out. */
export function describe(entry: Entry): string {
  const language = languageOf(entry.unit);
  const name = qualifiedName(entry) || "(anonymous)";
  const all = parametersOf(entry);
  const shown = all.filter((one) => !one.artificial && !one.result);
  const returned = declared(entry, (one) => one.reference(DW_AT.type));
  const list = shown.map((one) => declare(one.type, one.name ?? "", language));

  if (language === DW_LANG.Rust) return `fn ${name}(${list.join(", ")})${returned === undefined ? "" : ` -> ${typeName(returned, language)}`}`;
  if (language === DW_LANG.Go) {
    const results = all.filter((one) => one.result).map((one) => declare(one.type, one.name?.startsWith("~") ? "" : (one.name ?? ""), language));
    const text = results.length === 1 && !results[0]!.includes(" ") ? results[0]! : `(${results.join(", ")})`;
    return `func ${name}(${list.join(", ")})${results.length === 0 ? "" : ` ${text}`}`;
  }
  if (hasMore(entry)) list.push("...");
  const empty = isC(language) && declared(entry, (one) => one.flag(DW_AT.prototyped) || undefined) ? "void" : "";
  const call = `${name}(${list.join(", ") || empty})`;
  // Assembly code: what it gives isn't said.
  if (returned?.tag === DW_TAG.unspecified_type && returned.name === undefined) return call;
  const own = all.find((one) => one.artificial && one.name === "this");
  if (returned === undefined && own !== undefined && constructs(name)) return call;
  return `${declare(returned, call, language)}${own !== undefined && isConstant(own.type) ? " const" : ""}`;
}

const hasMore = (entry: Entry): boolean =>
  declared(entry, (one) => {
    for (const child of one.children()) if (child.tag === DW_TAG.unspecified_parameters) return true;
    return undefined;
  }) === true;

/** "a::b::b" or "a::b::~b": it gives no result, not even void. */
function constructs(name: string): boolean {
  const [method, of] = name.replace(/<.*>/gs, "").split("::").reverse();
  return method !== undefined && of !== undefined && (method === of || method.startsWith("~"));
}

/** Whether a method's `this` points to something constant. */
function isConstant(type: Entry | undefined): boolean {
  let pointer = type;
  if (pointer?.tag === DW_TAG.const_type) pointer = pointer.reference(DW_AT.type);
  return pointer?.reference(DW_AT.type)?.tag === DW_TAG.const_type;
}
