/** One value that both sides read and write, in the shared region. */
import { SondeBug, SondeError } from "../../errors/error.ts";
import type { View } from "../../output/view.ts";
import { type Decoder, decoder } from "../../schema/decode.ts";
import { encode } from "../../schema/encode.ts";
import type { Schema, StateSpec } from "../../schema/types.ts";
import type { Scope } from "../scope.ts";
import { handlerOnly, type Placement, State } from "./state.ts";

export class VariableState extends State {
  readonly #scope: Scope;
  readonly #schema: Schema;
  readonly #initial: unknown;
  readonly #decode: Decoder;
  #bytes: DataView;

  constructor(scope: Scope, schema: Schema, initial: unknown) {
    super(scope);
    this.#scope = scope;
    this.#schema = schema;
    this.#initial = initial;
    this.#decode = decoder(schema, scope.functions, scope.stacks.read);
    this.#bytes = new DataView(new ArrayBuffer(schema.size));
    if (!this.#write(initial))
      throw new SondeError("SONDE_VALUE", "variable(): the initial value is undefined", { mend: "Give the value that it has until something is set." });
  }
  /** With the value that it has now: what the script set before it was armed is what handlers find. */
  get spec(): StateSpec & { readonly kind: "variable" } {
    return { kind: "variable", schema: this.#schema, initial: this.read() };
  }
  get(): never {
    return handlerOnly("get()", "read() gives the variable's value.");
  }
  read(): unknown {
    return this.#decode(this.#bytes, 0);
  }
  /** Encoded aside and then stored: integers of 4 and 8 bytes at once, so that no handler sees a half of them. */
  #write(value: unknown): boolean {
    const { size } = this.#schema;
    const fresh = new DataView(new ArrayBuffer(size));
    if (!encode(this.#schema, value, fresh, 0, this.#scope.functions, "value")) return false;
    if (size === 8) this.#bytes.setBigUint64(0, fresh.getBigUint64(0, true), true);
    else if (size === 4) this.#bytes.setUint32(0, fresh.getUint32(0, true), true);
    else for (let i = 0; i < size; i++) this.#bytes.setUint8(i, fresh.getUint8(i));
    return true;
  }
  set(value: unknown): void {
    if (!this.#write(value)) this.#scope.hostMisses++;
  }
  clear(): void {
    this.#write(this.#initial);
  }
  attach({ armed, place }: Placement): void {
    if (place.in !== "sharedRegion") throw new SondeBug(`a variable was placed in ${place.in}`);
    this.#bytes = new DataView(armed.sharedRegion, place.offset, this.#schema.size);
  }
  detach(): void {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#bytes = new DataView(buffer.slice(byteOffset, byteOffset + byteLength));
  }
  view(name: string): View {
    return { kind: "variable", name, schema: this.#schema, value: this.read() };
  }
}
