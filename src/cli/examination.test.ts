/** What `sonde doctor` says of the right to trace. */
import { expect, test } from "vitest";
import { tracingRights } from "./examination.ts";

test.each([
  [undefined, false, "works", "this user's processes"],
  ["0", false, "works", "this user's processes"],
  ["1", false, "limited", "commands that sonde starts"],
  ["1", true, "works", "every process"],
  ["2", false, "fails", "only with CAP_SYS_PTRACE"],
  ["2", true, "works", "every process"],
  ["3", true, "fails", "nobody"],
])("under Yama's setting %s, with CAP_SYS_PTRACE %s: %s", (yama, mayTraceAll, state, found) => {
  expect(tracingRights(yama, mayTraceAll)).toMatchObject({ state, found: expect.stringContaining(found) });
});
