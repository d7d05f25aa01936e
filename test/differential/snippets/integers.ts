/** Snippets on integers: the operator table, conversions, comparisons, locals. */
import { type Theme, edges, expressions, handlers } from "./snippet.ts";

const operators = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>"];
const comparisons = ["<", "<=", ">", ">=", "===", "!==", "==", "!="];
const pairs = (ops: readonly string[], left: string, right: string): string[] => ops.map((op) => `${left} ${op} ${right}`);
const widths = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];

const signed: Theme = { name: "signed arithmetic", declarations: "", snippets: expressions(edges,
  ...pairs(operators, "c.arg0", "c.arg1"), ...pairs(operators, "c.arg1", "c.arg2"), ...pairs(operators, "c.arg0", "7"), ...pairs(operators, "c.arg0", "-3"), ...pairs(operators, "c.arg0", "0"),
  ...pairs(operators.filter((op) => op !== ">>>"), "100", "c.arg1"), "-c.arg0", "~c.arg0", "+c.arg0", "-(-c.arg0)", "~~c.arg0", "c.arg0 * c.arg0 * c.arg0", "(c.arg0 + c.arg1) / 2", "c.arg0 % 10 + c.arg0 / 10 * 10",
  "c.arg0 / -1", "c.arg0 % -1", "c.arg0 / 1", "c.arg0 / 8", "c.arg0 % 8", "c.arg0 / 3", "c.arg0 << 63", "c.arg0 << 64", "c.arg0 >> 63", "c.arg0 >>> 63", "c.arg0 >>> 0", "c.arg0 >>> 64", "1 << c.arg2", "-1 << c.arg2", "-1 >> c.arg2", "-1 >>> c.arg2",
  "2 ** 10 + c.arg0", "0x7fff_ffff_ffff & c.arg0", "c.arg0 & 0xff", "c.arg0 & 0xffff_ffff", "c.arg0 | 0x1_0000_0000", "1e6 * c.arg0", "c.arg0 - c.arg1 - c.arg2", "c.arg0 - (c.arg1 - c.arg2)", "c.arg0 ^ c.arg1 ^ c.arg0", "(c.arg0 & c.arg1) + (c.arg0 | c.arg1)") };

const unsigned: Theme = { name: "unsigned arithmetic", declarations: "", snippets: expressions(edges,
  ...pairs(operators, "u64(c.arg0)", "u64(c.arg1)"), ...pairs(operators.filter((op) => op !== "/" && op !== "%"), "u64(c.arg0)", "c.arg1"), ...pairs(operators.filter((op) => op !== "/" && op !== "%"), "c.arg0", "u64(c.arg1)"),
  ...pairs(operators, "u64(c.arg0)", "7"), ...pairs(["/", "%", "+", "-"], "u64(c.arg0)", "0"), "-u64(c.arg0)", "~u64(c.arg0)", "u64(c.arg0) / u32(c.arg1)", "u32(c.arg0) / u64(c.arg1)", "u64(c.arg0) % u8(c.arg1)", "u64(0xffff_ffff_ffff_ffffn) + c.arg0", "u64(c.arg0) >> c.arg2", "u64(c.arg0) << c.arg2", "(c.arg0 >>> 1) / 3", "(c.arg0 >>> 1) + c.arg1") };

const conversions: Theme = { name: "conversions", declarations: "", snippets: expressions(edges,
  ...widths.map((w) => `${w}(c.arg0)`), ...widths.map((w) => `${w}(c.arg0) + ${w}(c.arg1)`), ...widths.map((w) => `-${w}(c.arg1)`), ...widths.map((w) => `${w}(c.arg0 * c.arg1)`), ...widths.map((w) => `${w}(c.arg0 > c.arg1)`),
  "i8(u8(c.arg0))", "u8(i8(c.arg0))", "u32(i8(c.arg0))", "i64(u64(c.arg0))", "u64(i8(c.arg0))", "i32(c.arg0) < 0", "u32(c.arg0) >>> 31", "i32(c.arg0) >> 4", "i32(c.arg0) << 40", "u16(c.arg0) - u16(c.arg1)", "Number(c.arg0 > 0)", "Number(c.arg0 > 0) + Number(c.arg1 > 0)",
  "((c.arg0 & 0xff) << 8) | ((c.arg0 >> 8) & 0xff)", "u8(300)", "i8(200)", "u32(-1)", "u64(-1)", "i64(0xffff_ffff_ffff_ffffn)") };

const compared: Theme = { name: "comparisons", declarations: "", snippets: expressions(edges,
  ...pairs(comparisons, "c.arg0", "c.arg1"), ...pairs(comparisons, "u64(c.arg0)", "u64(c.arg1)"), ...pairs(comparisons, "c.arg0", "u64(c.arg1)"), ...pairs(comparisons, "u64(c.arg0)", "c.arg1"),
  ...pairs(comparisons, "c.arg0", "0"), ...pairs(comparisons, "c.arg0", "-1"), ...pairs(comparisons, "u64(c.arg0)", "5"), ...pairs(comparisons, "i32(c.arg0)", "u32(c.arg1)"), ...pairs(comparisons, "c.arg0", "0x1_2345_6789"),
  "c.arg0 > 0 === c.arg1 > 0", "(c.arg0 < c.arg1) !== (c.arg1 < c.arg0)", "!c.arg0", "!!c.arg0", "!(c.arg0 < c.arg1)", "c.arg0 > 0 && c.arg1 > 0", "c.arg0 > 0 || c.arg1 > 0", "!(c.arg0 > 0 && c.arg1 > 0)", "c.arg0 > 0 && c.arg1 > 0 || c.arg2 > 5",
  "c.arg0 && c.arg1", "c.arg0 || c.arg1", "c.arg0 || c.arg1 || 9", "c.arg0 && c.arg1 && c.arg2", "c.arg0 ? c.arg1 : c.arg2", "c.arg0 > c.arg1 ? c.arg0 : c.arg1", "c.arg0 < 0 ? -c.arg0 : c.arg0", "(c.arg0 && c.arg1) + 1", "c.arg0 > 0 ? u64(c.arg1) : 0", "(c.arg0 > 0 ? u64(c.arg1) : 0) >> 1", "(c.arg0 > 5 ? 1 : c.arg1 > 5 ? 2 : 3) * 10") };

const math: Theme = { name: "Math", declarations: "", snippets: expressions(edges,
  "Math.min(c.arg0, c.arg1)", "Math.max(c.arg0, c.arg1)", "Math.min(c.arg0, c.arg1, c.arg2)", "Math.max(c.arg0, c.arg1, 0)", "Math.min(u64(c.arg0), u64(c.arg1))", "Math.max(u64(c.arg0), 10)", "Math.abs(c.arg0)", "Math.abs(i32(c.arg0))", "Math.abs(c.arg0 - c.arg1)",
  "Math.trunc(c.arg0 / 3)", "Math.clz32(c.arg0)", "Math.clz32(u8(c.arg0))", "Math.floor(u32(c.arg0) / 3)", "Math.max(0, Math.min(c.arg0, 100))", "Math.min(c.arg0, 3) + Math.max(c.arg1, 3)") };

const locals: Theme = { name: "locals", declarations: "export const out = events({ v: i64 }), total = sum();", snippets: handlers(edges, {
  "a const": "const a = c.arg0 + 1; print`${a} ${a * 2}`;",
  "a let assigned once": "let a = c.arg0; a = c.arg1; print`${a}`;",
  "a let assigned on a branch": "let a = c.arg0; if (c.arg1 > 1) a = 5; print`${a}`;",
  "a let assigned on both branches": "let a; if (c.arg1 > 1) a = c.arg0; else a = c.arg1; print`${a}`;",
  "a let that becomes unsigned": "let a = 0; if (c.arg1 > 1) a = u64(c.arg0); print`${a} ${a >> 1}`;",
  "compound assignments": "let a = c.arg0; a += c.arg1; a *= 3; a -= 7; a &= 0xffff; a |= 1; a ^= c.arg2; print`${a}`;",
  "compound shifts": "let a = c.arg0; a <<= 3; a >>= 1; print`${a}`;",
  "compound division": "let a = c.arg0; a /= c.arg1; print`${a}`; a %= 5; print`${a}`;",
  "a compound assignment's value": "let a = c.arg0; const b = (a += 5); print`${a} ${b}`;",
  "increments": "let a = c.arg0; a++; ++a; a--; print`${a}`;",
  "increments' values": "let a = c.arg0; const x = a++; const y = ++a; const z = a--; const w = --a; print`${x} ${y} ${z} ${w} ${a}`;",
  "the old value of an operand": "let a = c.arg0; const b = a + (a = 5) + a; print`${b} ${a}`;",
  "an assignment inside a condition": "let a = 0; if ((a = c.arg0) > 3) print`${a}`; else print`not ${a}`;",
  "chained assignment": "let a = 1, b = 2; a = b = c.arg0; print`${a} ${b}`;",
  "logical assignment": "let a = c.arg0; a ||= 7; let b = c.arg1; b &&= 8; print`${a} ${b}`;",
  "swap through a tuple": "let a = c.arg0, b = c.arg1; const t = [b, a] as const; a = t[0]; b = t[1]; print`${a} ${b}`;",
  "shadowing": "const a = c.arg0; { const a = c.arg1; print`${a}`; } print`${a}`;",
  "a comma": "let a = 0; const b = (a = c.arg0, a + 1); print`${b}`;",
  "dead code behind a return": "print`${c.arg0}`; return; print`never`;",
  "an expression statement with &&": "c.arg0 > 3 && total.add(c.arg0); c.arg0 > 3 || total.add(1);",
  "a conditional for its effect": "c.arg0 > 3 ? total.add(2) : total.add(3);",
  "a result that means nothing": "(c) => c.arg0 > 5 && total.add()".replace("total.add()", "total.add(1)"),
  "a boolean local": "const big = c.arg0 > 100; let flag = big; if (c.arg1 > 1) flag = !flag; print`${big} ${flag}`;",
  "many live values": "const a = c.arg0 + 1, b = c.arg1 + 2, d = c.arg2 + 3, e = a * b, f = b * d, g = a * d, h = e + f, i = f + g, j = e + g; out.emit({ v: a + b + d + e + f + g + h + i + j }); print`${a} ${b} ${d} ${e} ${f} ${g} ${h} ${i} ${j}`;",
  "common subexpressions": "print`${(c.arg0 + c.arg1) * (c.arg0 + c.arg1)} ${(c.arg0 + c.arg1) * 2}`;",
  "an argument read by its number": "print`${c.arg(1)} ${c.arg(0) + c.arg(2)}`;",
  "registers": "print`${c.regs.rdi} ${c.regs.rsi + c.regs.rdx}`;",
  "destructuring the context": "const { arg0, arg1 } = c; print`${arg0 - arg1}`;",
  "a destructured parameter": "({ arg0, pid }) => { print`${arg0} ${pid > 0}`; }",
  "void": "void total.add(c.arg0);",
  "typeof": "const a = c.arg0 > 3 ? c.arg1 : undefined; print`${typeof a === \"undefined\"}`;",
  "undefined and ??": "const a = c.arg0 > 3 ? c.arg1 : undefined; print`${a ?? -1} ${a === undefined} ${a !== undefined && a > 1}`;",
  "a printed undefined": "const a = c.arg0 > 3 ? c.arg1 : undefined; print`${a}`;",
  "undefined into a sink": "const a = c.arg0 > 3 ? c.arg1 : undefined; total.add(a); out.emit({ v: a });",
  "hex and duration": "print`${hex(c.arg0)} ${duration(c.arg1)}`;",
}) };

export const integers: readonly Theme[] = [signed, unsigned, conversions, compared, math, locals];
