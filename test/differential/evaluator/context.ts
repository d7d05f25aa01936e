/** `c` and what hangs off it. */
import { int, OTHER } from "./kind.ts";
import type { Code, Thing, Translation } from "./translate.ts";
import { Text } from "./value.ts";

const signed = (t: Translation, index: number): Code => ({ type: int("i64"), run: () => BigInt.asIntN(64, t.hit.args[index]!) });

/** A register as a declared type reads it. */
function typed(bits: number, sign: boolean, raw: () => bigint): Code {
  return { type: int(bits === 64 && !sign ? "u64" : "i64"), run: () => (sign ? BigInt.asIntN(bits, raw()) : BigInt.asUintN(bits, raw())) };
}

export function contextMember(t: Translation, of: "context" | "args" | "regs", name: string): Code | Thing | undefined {
  if (of === "args") {
    const index = t.prototype?.params.findIndex((param) => param.name === name) ?? -1;
    if (index < 0) return undefined;
    const { bits, signed: sign } = t.prototype!.params[index]!;
    return typed(bits, sign, () => t.hit.args[index]!);
  }
  if (of === "regs") {
    const index = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"].indexOf(name);
    if (name === "rax") return { type: int("i64"), run: () => BigInt.asIntN(64, t.hit.ret) };
    return index < 0 ? undefined : signed(t, index);
  }
  const register = /^arg([0-5])$/.exec(name);
  if (register !== null) return signed(t, Number(register[1]));
  switch (name) {
    case "args":
      return { thing: "args" };
    case "regs":
      return { thing: "regs" };
    case "ret": {
      const ret = t.prototype?.ret;
      return typed(ret?.bits ?? 64, ret?.signed ?? true, () => t.hit.ret);
    }
    case "pid":
    case "tid":
    case "uid":
    case "gid":
    case "cpu":
      return { type: int("i64"), run: () => BigInt(t.hit[name]) };
    case "time":
    case "cgroup":
      return { type: int("u64"), run: () => t.hit[name] };
    case "comm":
      return { type: OTHER, run: () => new Text(new TextEncoder().encode(t.hit.comm).slice(0, 15)) };
    case "func":
      return { type: OTHER, run: () => Text.of(t.hit.func) };
    case "probe":
      return { type: OTHER, run: () => Text.of(t.probe) };
    default:
      return undefined;
  }
}
