/** Maps as the session sees them. */
import { SondeBug } from "../../../errors/error.ts";
import type { MapAccess } from "../../engine.ts";
import { ArrayAccess } from "../../memory/access.ts";
import type { InlineLayout } from "./layout.ts";
import { InlineTable } from "./table.ts";

export function openInline(memory: ArrayBufferLike, layout: InlineLayout, map: number): MapAccess {
  const place = layout.maps[map];
  if (place?.kind === "array") return new ArrayAccess(memory, place);
  if (place?.kind === "table") return new InlineTable(memory, place);
  throw new SondeBug(`map ${map} has no keys`);
}
