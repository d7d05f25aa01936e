/** Behaviour 34: what a program passes and what the kernel knows of it, in one record. */
import { expect, test } from "vitest";
import { kernelWork } from "../fixtures/build.ts";
import { Program, probe, until } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

interface Source {
  on(listener: (event: unknown) => void): () => void;
}

behaviour(34, (engine) => {
  test("an argument, and fields of the kernel's structures over two pointers", async () => {
    await using program = new Program(kernelWork());
    const running = await program.start();
    await using session = await probe(engine, "records", program.at("ask"), { pid: running.pid });
    const seen: unknown[] = [];
    (session.events as unknown as { readonly records: Source }).records.on((event) => seen.push(event));
    await running.ask("ids 3");
    await running.ask("ids 4");
    await until(() => seen.length === 2, "the records");
    const known = { pid: running.pid, group: running.pid, parent: process.pid, name: "kernel-work" };
    expect(seen).toEqual([
      { argument: 3n, ...known },
      { argument: 4n, ...known },
    ]);
    expect(session.maps.calls?.read()).toBe(7n);
  });
});
