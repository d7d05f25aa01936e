/** One BTF blob for a whole session: the types of its maps, and function and line information of its programs. */
import { type ProgramInfo, programInfo } from "../../btf/program-info.ts";
import { opaqueType, schemaType } from "../../btf/schema-types.ts";
import { BtfWriter } from "../../btf/writer.ts";
import type { MapImage, SessionImage } from "../../compiler/image.ts";
import type { Schema } from "../../schema/types.ts";
import { loadBtf } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";

export interface MapTypes {
  readonly key: number;
  readonly value: number;
}

export interface SessionTypes {
  /** Descriptor of the blob; undefined if the kernel didn't take it. Then all goes on without. */
  readonly fd: number | undefined;
  /** By map index; a ring has none. */
  readonly maps: readonly (MapTypes | undefined)[];
  readonly programs: readonly ProgramInfo[];
  close(): void;
}

export function loadSessionTypes(image: SessionImage): SessionTypes {
  const btf = new BtfWriter();
  const maps = image.maps.map((map) => mapTypes(btf, map));
  const files = image.files.map((file) => ({ path: file.path, lines: file.text.split("\n") }));
  const programs = image.programs.map((program) => programInfo(btf, program, files));
  const fd = loadBtf(btf.bytes());
  const held = fd < 0 ? [] : [fd];
  return { fd: held[0], maps, programs, close: () => closeAll(held.splice(0)) };
}

function mapTypes(btf: BtfWriter, map: MapImage): MapTypes | undefined {
  if (map.type === "ringbuf") return undefined;
  const typeOf = (schema: Schema | undefined, bytes: number, part: string): number =>
    schema !== undefined && schema.size === bytes ? schemaType(btf, schema, `${map.name}_${part}`) : opaqueType(btf, bytes);
  // Arrays want an integer as key.
  const key = map.type === "array" || map.type === "percpu_array" ? btf.int("u32", 4, false) : typeOf(map.keySchema, map.keySize, "key");
  return { key, value: typeOf(map.valueSchema, map.valueSize, "value") };
}
