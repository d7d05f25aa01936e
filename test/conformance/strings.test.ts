/** Behaviour 33: text that isn't resident, isn't mapped, or doesn't fit. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folder, Program, probe, until } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

interface Seen {
  readonly text: string;
  readonly length: number;
  readonly readable: number;
}

behaviour(33, (engine) => {
  /** What handlers see and print of the text for each request. */
  async function texts(
    requests: readonly string[],
  ): Promise<{ readonly seen: readonly Seen[]; readonly lines: readonly string[]; readonly unreadable: bigint }> {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "text", program.at("text"));
    const seen: Seen[] = [];
    const lines: string[] = [];
    session.events.seen?.on((event) => seen.push(event as Seen));
    void (async () => {
      for await (const line of session.lines) lines.push(line);
    })();
    for (const request of requests) await running.ask(request);
    await until(() => seen.length === requests.length && lines.length === requests.length, "the texts");
    const { hits } = await session.close();
    expect(hits).toBe(BigInt(requests.length));
    expect(await running.end()).toBe(0);
    return { seen, lines, unreadable: session.maps.unreadable?.read() as bigint };
  }

  test("a page that was never touched, one given back, one paged out: the text is read, as the program would", async () => {
    using place = folder();
    const path = join(place.path, "text");
    writeFileSync(path, "from the disk\0");
    const { seen, unreadable } = await texts([`text-file ${path}`, `text-dropped ${path} 0`, `text-dropped ${path} 1`]);
    expect(seen).toEqual(Array.from({ length: 3 }, () => ({ text: "from the disk", length: 13, readable: 1 })));
    expect(unreadable).toBe(0n);
  });

  test("where nothing is mapped, nothing may be read, at NULL, in the kernel: marked as unreadable", async () => {
    const { seen, lines, unreadable } = await texts(["text-unmapped", "text-closed", "text-null", "text-kernel"]);
    expect(seen).toEqual(Array.from({ length: 4 }, () => ({ text: "(none)", length: 0, readable: 0 })));
    expect(lines).toEqual(Array.from({ length: 4 }, () => "<unreadable>"));
    expect(unreadable).toBe(4n);
  });

  test("longer than its place: cut, and marked as cut; up to its length: whole", async () => {
    const { seen, lines } = await texts(["text-long 0", "text-long 15", "text-long 16", "text-long 17", "text-long 20000"]);
    expect(lines).toEqual(["", "a".repeat(15), "a".repeat(16), `${"a".repeat(16)}…`, `${"a".repeat(16)}…`]);
    expect(seen.map(({ length }) => length)).toEqual([0, 15, 16, 16, 16]);
    expect(seen.every(({ readable }) => readable === 1)).toBe(true);
  });

  test("that runs into memory that isn't there: marked, never guessed", async () => {
    const { seen, lines } = await texts(["text-end 5", "text-end 40"]);
    expect([lines[0], seen[0]?.readable]).toEqual(["<unreadable>", 0]);
    expect([lines[1], seen[1]?.readable]).toEqual([`${"e".repeat(16)}…`, 1]);
  });
});
