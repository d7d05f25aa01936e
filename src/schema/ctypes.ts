/** The target's own types: what prototypes (and debug information) say of parameters, results and structures. */
import type { IntSchema } from "./types.ts";

export type CType =
  | { readonly k: "void" }
  | { readonly k: "int"; readonly name: IntSchema["name"] }
  | { readonly k: "bool" }
  | { readonly k: "float"; readonly size: 4 | 8 }
  /** `to` undefined: void*. */
  | { readonly k: "pointer"; readonly to: CType | undefined }
  | { readonly k: "array"; readonly of: CType; readonly length: number }
  | { readonly k: "enum"; readonly size: 1 | 2 | 4 | 8; readonly signed: boolean; readonly names: readonly (readonly [name: string, value: bigint])[] }
  /** By name, so that structures may refer to themselves; looked up in `structs`. */
  | { readonly k: "struct"; readonly name: string };

export interface CField {
  readonly name: string;
  readonly offset: number;
  readonly type: CType;
}
export interface CStruct {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly CField[];
}

/** A function's parameters and result, and the structures that they mention. Integer and pointer parameters only, the first six in registers. */
export interface Signature {
  /** Several functions' common one has "" for the name of a parameter that isn't the same in all. */
  readonly params: readonly { readonly name: string; readonly type: CType }[];
  readonly ret: CType;
  readonly structs: { readonly [name: string]: CStruct };
}
