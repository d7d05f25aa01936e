/** Behaviours 01 and 02 again, by the loader itself: dlopen and dlclose. */
import { expect, test } from "vitest";
import { library, privateCopy, target } from "../fixtures/build.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(1, (engine) => {
  test("a probe that is in before dlopen fires in the library", async () => {
    await using program = new Program(target());
    const copy = privateCopy(library());
    const running = await program.start();
    await using session = await probe(engine, "hits", `${copy.path}:library_call`);
    await running.ask(`dlopen ${copy.path}`);
    await running.ask("library library_call 10");
    expect(session.maps.hits?.read()).toBe(10n);
    copy.remove();
  });
});

behaviour(2, (engine) => {
  test("dlclose while armed is safe, and so is disarming after it", async () => {
    await using program = new Program(target());
    const copy = privateCopy(library());
    const running = await program.start();
    await running.ask(`dlopen ${copy.path}`);
    await using session = await probe(engine, "calls", `${copy.path}:library_call`);
    await running.ask("library library_call 10");
    await running.ask("dlclose");
    await running.ask(`dlopen ${copy.path}`);
    await running.ask("library library_call 100");
    expect([session.maps.enters?.read(), session.maps.leaves?.read()]).toEqual([110n, 110n]);
    await running.ask("dlclose");
    await session.close();
    expect(await running.end()).toBe(0);
    copy.remove();
  });
});
