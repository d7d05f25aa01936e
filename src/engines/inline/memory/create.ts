/** Brings zeros into the state in which the code expects them. */
import { SondeBug } from "../../../errors/error.ts";
import { Header, type InlineLayout, LAYOUT_VERSION, MAGIC } from "./layout.ts";

/** The shared part; `seed`: of the random numbers, 64 bits. */
export function fillShared(memory: Uint8Array, layout: InlineLayout, seed: bigint): void {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  view.setUint32(Header.magic, MAGIC, true);
  view.setUint32(Header.version, LAYOUT_VERSION, true);
  view.setBigUint64(Header.seed, BigInt.asUintN(64, seed), true);
  for (const place of layout.maps) {
    const { name, initial } = place.image;
    if (initial === undefined) continue;
    if (place.kind !== "array" || initial.length > place.stride) throw new SondeBug(`map ${name} can't have an initial value of ${initial.length} bytes`);
    memory.set(initial, place.at);
  }
}
