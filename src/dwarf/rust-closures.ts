/**
 * What rustc passes to closures and coroutines before their parameters: the environment. Debug information has a parameter of it only
 * where nothing is captured; else it has the environment's type beside the function, and each captured variable with where it is.
 */
import { type AbiType, address } from "./abi.ts";
import { abiTypeOf } from "./abi-layout.ts";
import { inOneRegister } from "./abi-rust.ts";
import { DW_AT, DW_OP, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { afterLeb } from "./leb.ts";
import { declarations, declared } from "./type-names.ts";
import type { StructTable } from "./types.ts";

/** Entries looked at for one environment. */
const MAX_LOOKS = 5_000;

/** Undefined: it is no closure, or its environment is among its parameters. */
export function environmentOf(entry: Entry, firstParameter: { readonly name: string | undefined } | undefined, structs: StructTable): AbiType | undefined {
  const name = declared(entry, (one) => one.name) ?? "";
  // The state of these is always passed by its address, pinned.
  if (/^\{(async|gen|coroutine|generator)/.test(name)) return firstParameter !== undefined && firstParameter.name === undefined ? undefined : address;
  const closure = /^\{closure#(\d+)\}(.*)$/.exec(name);
  if (closure === null || (firstParameter !== undefined && firstParameter.name === undefined)) return undefined;
  const type = environmentType(entry, `{closure_env#${closure[1]}}${closure[2]}`);
  if (type === undefined) return { ...address, unclear: "a closure's environment" };
  const whole = abiTypeOf(type, structs, 0);
  if (inOneRegister(whole)) return address;
  const byValue = isByValue(entry, type);
  if (byValue === undefined) return { ...address, unclear: "a closure's environment" };
  return byValue ? whole : address;
}

function environmentType(entry: Entry, name: string): Entry | undefined {
  let declaration = entry;
  for (const one of declarations(entry)) declaration = one;
  let left = MAX_LOOKS;
  for (const sibling of declaration.parent()?.children() ?? []) {
    if (--left < 0) return undefined;
    if (sibling.tag === DW_TAG.structure_type && sibling.name === name) return sibling;
  }
  return undefined;
}

/**
 * Nothing says whether a closure consumes its environment, but its captured variables do: one that was captured by reference is
 * behind one address if the environment is in the frame, behind two if its address is; any other one behind none, or one.
 */
function isByValue(entry: Entry, type: Entry): boolean | undefined {
  const referenced = new Map<string, boolean>();
  for (const member of type.children()) {
    if (member.tag !== DW_TAG.member || member.name === undefined) continue;
    const reference = /^_ref__(.*)$/.exec(member.name)?.[1];
    referenced.set(reference ?? member.name, reference !== undefined);
  }
  let left = MAX_LOOKS;
  for (const variable of entry.children()) {
    if (--left < 0) return undefined;
    if (variable.tag !== DW_TAG.variable || variable.form(DW_AT.location) !== "exprloc") continue;
    const reference = referenced.get(declared(variable, (one) => one.name)?.replaceAll(".", "__") ?? "");
    const hops = hopsOf(variable.block(DW_AT.location));
    if (reference !== undefined && hops !== undefined) return hops === (reference ? 1 : 0);
  }
  return undefined;
}

/** How many addresses are read on the way from the frame to a variable. */
function hopsOf(expression: Uint8Array | undefined): number | undefined {
  if (expression?.[0] !== DW_OP.fbreg) return undefined;
  let hops = 0;
  for (let at = afterLeb(expression, 1); at < expression.length; ) {
    const op = expression[at]!;
    if (op === DW_OP.deref) hops++;
    else if (op !== DW_OP.plus_uconst) return undefined;
    at = op === DW_OP.deref ? at + 1 : afterLeb(expression, at + 1);
  }
  return hops;
}
