/** The values that a handler computes with, as the evaluator holds them: integers are mathematical numbers. */
import type { Shape } from "./shape.ts";

/** Text: bytes up to a NUL, and whether more of it was left behind. */
export class Text {
  readonly bytes: Uint8Array;
  readonly cut: boolean;
  constructor(bytes: Uint8Array, cut = false) {
    const nul = bytes.indexOf(0);
    this.bytes = nul < 0 ? bytes : bytes.slice(0, nul);
    this.cut = cut;
  }
  static of(text: string): Text {
    return new Text(new TextEncoder().encode(text));
  }
}

export class Bytes {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A plain object (no shape), a tuple (fields "0", "1", …), or a struct, whose fields convert what is stored in them. */
export class Fields {
  readonly values = new Map<string, Value>();
  readonly shape: (Shape & { readonly t: "struct" }) | undefined;
  constructor(shape?: Shape & { readonly t: "struct" }) {
    this.shape = shape;
  }
  get(name: string): Value {
    return this.values.get(name);
  }
  copy(): Fields {
    const copy = new Fields(this.shape);
    for (const [name, value] of this.values) copy.values.set(name, value instanceof Fields ? value.copy() : value);
    return copy;
  }
}

/** What print shows through hex, duration or sym. */
export class Formatted {
  readonly as: "hex" | "duration" | "sym";
  readonly value: Value;
  constructor(as: "hex" | "duration" | "sym", value: Value) {
    this.as = as;
    this.value = value;
  }
}

export type Value = bigint | boolean | undefined | Text | Bytes | Fields | Formatted;
