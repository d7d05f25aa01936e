/** Events under load: none is lost while one consumer keeps up, and what is lost is counted. */
import { expect, test } from "vitest";
import { openText, probed } from "./support.ts";

test("every event is delivered or counted as lost", async () => {
  await using it = await probed();
  const s = await openText(
    'const e = events({ n: i64, time: u64, name: comm }); uprobe("BIN:work", (c) => e.emit({ n: c.arg0, time: c.time, name: c.comm }));',
    it.path,
  );
  let delivered = 0n;
  let last = 0n;
  s.events.e.on((event: { n: bigint; time: bigint; name: string }) => {
    delivered += event.n;
    last = event.time;
    if (event.name !== "target") throw new Error(event.name);
  });
  await it.running.ask("work 300000 1 0");
  const summary = await s.close();
  expect(summary.hits).toBe(300_000n);
  expect(delivered + summary.lost).toBe(summary.hits);
  expect(last).toBeGreaterThan(0n);
});
