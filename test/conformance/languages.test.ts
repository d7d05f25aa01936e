/** Programs of other compiled languages: their functions by name, mangled names too, and exact counts. */
import { expect, test } from "vitest";
import { classes, orders } from "../fixtures/build.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(1, (engine) => {
  test("a C++ program: methods by mangled name, overloads apart, a wildcard over them", async () => {
    await using program = new Program(classes());
    const running = await program.start();
    await using whole = await probe(engine, "calls", program.at("_ZNK4shop5Order5totalEl"));
    running.tell("1000");
    expect(await running.line()).toMatch(/^ok/);
    expect([whole.maps.enters?.read(), whole.maps.leaves?.read()]).toEqual([1000n, 1000n]);
    // One after the other: a process has one tracer.
    await whole.close();
    await using both = await probe(engine, "hits", program.at("_ZNK4shop5Order5totalE*"));
    running.tell("1000");
    expect(await running.line()).toMatch(/^ok/);
    expect(both.maps.hits?.read()).toBe(2000n);
  });

  const rust = orders();
  test.skipIf(rust === undefined)("a Rust program: plain and mangled names (where `rustc` is)", async () => {
    await using program = new Program(rust as string);
    const running = await program.start();
    await using session = await probe(engine, "calls", [program.at("rust_plain"), program.at("_ZN6orders7mangled*")]);
    running.tell("1000");
    expect(await running.line()).toMatch(/^ok/);
    expect([session.maps.enters?.read(), session.maps.leaves?.read()]).toEqual([2000n, 2000n]);
  });
});
