// As `sonde types postgres --as postgres` writes it where PostgreSQL's debug information is.
import type { bool, f64, i32, Ptr, u8, u64 } from "sonde";

declare module "sonde" {
  interface Functions {
    "postgres:standard_ExecutorRun": { args: { queryDesc: Ptr<QueryDesc>; direction: ScanDirection; count: u64 } };
  }
}
export type ScanDirection = "BackwardScanDirection" | "NoMovementScanDirection" | "ForwardScanDirection";
export type CmdType = "CMD_UNKNOWN" | "CMD_SELECT" | "CMD_UPDATE" | "CMD_INSERT" | "CMD_DELETE";
export interface QueryDesc {
  operation: CmdType;
  plannedstmt: Ptr<PlannedStmt>;
  sourceText: Ptr<u8>;
  already_executed: bool;
}
export interface PlannedStmt {
  queryId: u64;
  planTree: Ptr<Plan>;
}
export interface Plan {
  plan_rows: f64;
  plan_width: i32;
  lefttree: Ptr<Plan>;
}
