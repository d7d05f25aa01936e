// More events than the ring holds, and more keys than the map.
import { count, cstring, events, hash, i64, param, u64, uprobe } from "sonde";

const at = param("at", "", "the target");
export const seen = events({ n: u64, filler: cstring(200) });
export const few = hash(i64, count(), { capacity: 100 });
export const hits = count();
uprobe(at, (c) => {
  hits.add();
  few.at(c.arg0).add();
  seen.emit({ n: c.arg0, filler: "x" });
});
