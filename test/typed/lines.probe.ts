// What handlers see at source lines and in inlined functions: kept by value, for the test to look at.
import { count, cstring, func, hash, i64, param, str, struct, uprobe } from "sonde";

const program = param("program", "", "the program");
export const parts = hash(struct({ part: i64, id: i64, bills: i64 }), count());
export const items = hash(cstring(8), count());
export const factors = hash(struct({ function: func, factor: i64, total: i64 }), count());
export const doubled = hash(i64, count());

uprobe(`${program}:lines.c:24`, (c) => {
  parts.at({ part: c.vars.part, id: c.vars.one.id, bills: c.vars.bills }).add();
  items.at(str(c.vars.one.item)).add();
});
uprobe(`${program}:priced`, (c) => {
  factors.at({ function: c.func, factor: c.args.factor, total: c.args.order.total }).add();
});
// Its symbol is stripped from some of the programs.
uprobe(`${program}:only_here`, (c) => doubled.at(c.args.n).add());
