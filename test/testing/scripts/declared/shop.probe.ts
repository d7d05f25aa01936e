// What a program does that isn't on this machine: its types are declared beside this script.
import { bool, cstring, events, f64, i32, type Ptr, str, tracepoint, u64, uprobe, usdt, variable } from "sonde";
import type { Deep } from "./shop.d.ts";

export const bills = events({ sum: u64, next: u64, tag: cstring(8), second: u64, hand: bool, weight: f64, over: f64, self: u64, secret: u64 });
export const ships = events({ x: i32, y: u64, count: i32, name: cstring(16), last: u64, far: u64 });
export const results = events({ bill: i32 });
export const places = events({ x: i32, y: u64 });
export const paid = events({ sum: u64, by: cstring(8) });
export const seen = events({ who: cstring(16), small: u64, sum: u64, what: cstring(16) });
export const on = variable(bool, true);

uprobe("shop:bill", {
  enter: (c) => {
    const { order } = c.args;
    bills.emit({
      sum: order.sum,
      next: order.next?.next?.sum,
      tag: str(order.tag),
      second: order.lines[1]?.sum,
      hand: c.args.way === "BY_HAND" && order.way !== "BY_HAND",
      weight: order.inner.weight,
      over: c.args.rebate,
      self: order.inner.of?.sum,
      secret: (c.args.deep as Ptr<Deep>).secret,
    });
  },
  leave: (c) => results.emit({ bill: c.ret }),
});
uprobe("shop:ship", {
  enter: (c) => ships.emit({ x: c.args.to.x, y: c.args.to.y, count: c.args.count, name: str(c.args.name), last: c.args.last.y, far: c.args.far.y }),
  leave: (c) => places.emit({ x: c.ret.x, y: c.ret.y }),
});
usdt("shop:shop:paid", (c) => paid.emit({ sum: c.args.sum, by: str(c.args.by) }));
if (process.getuid?.() !== 0) tracepoint("shop:never", (c) => seen.emit({ who: c.args.who, small: c.args.small, sum: c.args.sum, what: c.args.what }));
