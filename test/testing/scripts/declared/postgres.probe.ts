// Query latency by PostgreSQL's own structures; its packages have no debug information.
import { bool, cstring, events, f64, hash, hist, str, u64, uprobe } from "sonde";

export const byId = hash(u64, hist());
export const slow = events({ id: u64, sql: cstring(512), estimate: f64, select: bool, ns: u64 });

uprobe("postgres:standard_ExecutorRun", {
  enter: (c) => {
    const q = c.args.queryDesc;
    if (c.args.direction !== "ForwardScanDirection") return;
    return { q, from: c.time, id: q.plannedstmt?.queryId, estimate: q.plannedstmt?.planTree?.plan_rows };
  },
  leave: (c, at) => {
    const ns = c.time - at.from;
    byId.at(at.id).add(ns);
    if (ns >= 50_000_000) slow.emit({ id: at.id, ns, sql: str(at.q.sourceText, 512), estimate: at.estimate, select: at.q.operation === "CMD_SELECT" });
  },
});
