// As `sonde types` would write it of a program that isn't on this machine.
import type { bool, CArray, f64, i32, Ptr, Slice, u8, u16, u64 } from "sonde";

declare module "sonde" {
  interface Functions {
    "shop:bill": { args: { order: Ptr<Order>; way: Way; rebate: f64; deep: Ptr }; ret: i32 };
    "shop:ship": { args: { to: Place; count: i32; name: text; last: Place; a: i32; b: i32; c: i32; far: Place }; ret: Place };
  }
  interface Usdts {
    "shop:shop:paid": { args: { sum: u64; by: Ptr<u8> } };
  }
  interface Tracepoints {
    "shop:never": { args: { who: string; small: u16; sum: u64; what: string } };
  }
}
export type Way = "BY_POST" | "BY_HAND";
export type Sum = u64;
export interface Item {
  sum: Sum;
  next: Ptr<Item>;
}
export interface Order extends Item {
  paid: bool;
  tag: CArray<u8, 6>;
  lines: CArray<Item, 2>;
  way: Way | undefined;
  inner: { weight: f64; of: Ptr<Order> };
}
/** @sonde shop::Place<int> */
export interface Place {
  x: i32;
  y: u64;
}
export interface Deep {
  secret: u64;
}
export interface text extends Slice<u8> {
  data_ptr: Ptr<u8>;
  length: u64;
}
