// What handlers see of structures: in registers, behind pointers, returned; kept by number and name, for the test to look at.
import { cstring, hash, i32, i64, param, str, uprobe, uretprobe } from "sonde";

const program = param("program", "", "the program");
export const numbers = hash(cstring(24), i64);
export const texts = hash(cstring(24), cstring(24));

uprobe(`${program}:by_value`, (c) => {
  numbers.set("p.x", c.args.p.x);
  numbers.set("p.y", c.args.p.y);
  numbers.set("m.a", c.args.m.a);
  numbers.set("m.b", c.args.m.b);
  numbers.set("m.c", c.args.m.c);
  if (c.args.method === "POST") numbers.set("method", i32(c.args.method));
});
uprobe(`${program}:by_pointer`, (c) => {
  const { request, table } = c.args;
  numbers.set("version", request.version);
  numbers.set("delta", request.delta);
  numbers.set("point", request.points[2].y);
  numbers.set("next.delta", request.next?.delta);
  numbers.set("next.next", request.next?.next?.delta);
  numbers.set("table[0]", table[0]?.version);
  numbers.set("table[1]", table[1]?.version);
  numbers.set("low", request.u.low);
  numbers.set("inner", request.inner);
  numbers.set("method of next", i32(request.next?.method));
  if (request.done) numbers.set("done", 1);
  texts.set("tag", str(request.tag));
  texts.set("next.tag", str(request.next?.tag));
  let all = 0;
  for (const item of request.items) all += (item.id ?? 0) + (item.at.x ?? 0) - (item.at.y ?? 0);
  numbers.set("items", all);
});
uretprobe(`${program}:given`, (c) => {
  numbers.set("ret.a", c.ret.a);
  numbers.set("ret.b", c.ret.b);
  numbers.set("ret.c", c.ret.c);
});
