/** `sonde doctor`: what works on this machine, what doesn't, and how to mend it. */
import { padEnd, wrap } from "../../output/columns.ts";
import { jsonText } from "../../output/json.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { examine, type Finding } from "../examination.ts";
import { VERSION } from "../program.ts";

const MARKS = { works: "✓", limited: "!", fails: "✗" } as const;

function show(findings: readonly Finding[]): void {
  const paint = palette(colorsWanted(process.stdout));
  const colour = { works: paint.bar, limited: paint.warn, fails: paint.fail } as const;
  const widest = Math.max(...findings.map((finding) => finding.what.length));
  const room = (process.stdout.columns ?? Infinity) - widest - 4;
  const under = `\n${" ".repeat(widest + 4)}`;
  for (const { what, state, found, mend } of findings) {
    process.stdout.write(`${colour[state](MARKS[state])} ${padEnd(what, widest)}  ${wrap(found, room).join(under)}\n`);
    if (mend) process.stdout.write(`${under.slice(1)}${wrap(mend, room).map(paint.dim).join(under)}\n`);
  }
}

/** 0 if an engine works, 3 if it is for want of rights that none does, else 1. */
export async function doctor(options: { readonly json?: boolean }): Promise<number> {
  const { findings, engines, status } = await examine();
  if (options.json) process.stdout.write(`${jsonText({ type: "doctor", version: VERSION, ok: status === 0, findings })}\n`);
  else {
    show(findings);
    const by = engines.includes("kernel") ? "" : `, with the engine ${engines.join(" or ")}`;
    process.stdout.write(status === 0 ? `\nsonde works here${by}.\n` : "\nsonde can't probe here yet: see ✗ above.\n");
  }
  return status;
}
