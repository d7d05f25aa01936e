/** Behaviours 01 and 02: when a file is mapped, and where. */
import { expect, test } from "vitest";
import { library, privateCopy } from "../fixtures/build.ts";
import { armedIn, bytesIn, codeOf } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(1, (engine) => {
  test("a process that starts after the probe is in fires from its first call", async () => {
    await using program = new Program();
    await using session = await probe(engine, "hits", program.at("call"));
    expect(await program.run("call", "7")).toBe(0);
    const running = await program.start();
    await running.ask("call 5");
    expect(session.maps.hits?.read()).toBe(12n);
    expect((await session.close()).hits).toBe(12n);
  });

  test("a command that is held fires from its exec to its end", async () => {
    await using program = new Program();
    await using session = await probe(engine, "hits", program.at("call"), { command: [program.path, "call", "123"], stdio: "ignore" });
    expect(await session.done).toMatchObject({ hits: 123n, ended: "command", status: 0 });
  });

  test("a library that is loaded after the probe is in fires, each time it is loaded", async () => {
    await using program = new Program();
    const copy = privateCopy(library());
    const running = await program.start();
    await using session = await probe(engine, "hits", `${copy.path}:library_call`);
    const { offset } = codeOf(`${copy.path}:library_call`);
    for (const round of [1n, 2n, 3n]) {
      await running.ask(`map 0 ${copy.path} rx private`);
      await running.ask(`mapped 0 ${offset} 10`);
      await running.ask("unmap 0");
      expect(session.maps.hits?.read()).toBe(10n * round);
    }
    copy.remove();
  });

  test("a process that runs already fires from now on, and has lost nothing it did before", async () => {
    await using program = new Program();
    const running = await program.start();
    await running.ask("call 1000");
    await using session = await probe(engine, "hits", program.at("call"));
    await running.ask("call 10");
    expect(session.maps.hits?.read()).toBe(10n);
    await session.close();
    await running.ask("call 1000");
    expect(await running.end()).toBe(0);
  });
});

behaviour(2, (engine) => {
  const setUp = async (): Promise<{ program: Program; path: string; code: ReturnType<typeof codeOf>; remove: () => void }> => {
    const { path, remove } = privateCopy(library());
    return { program: new Program(), path, remove, code: codeOf(`${path}:library_call`) };
  };

  test("both mappings of one file in a process fire, the one that was there and the one that comes", async () => {
    const { program: made, path, code, remove } = await setUp();
    await using program = made;
    const running = await program.start();
    await running.ask(`map 0 ${path} rx private`);
    await using session = await probe(engine, "hits", `${path}:library_call`);
    await running.ask(`map 1 ${path} rx private`);
    expect(armedIn(running.pid, code)).toEqual([true, true]);
    expect(await running.ask(`mapped 0 ${code.offset} 10`)).toBe("55");
    expect(await running.ask(`mapped 1 ${code.offset} 100`)).toBe("5050");
    expect(session.maps.hits?.read()).toBe(110n);
    await session.close();
    expect(armedIn(running.pid, code)).toEqual([false, false]);
    remove();
  });

  test("a mapping that is unmapped leaves the other armed, and a new one is armed again", async () => {
    const { program: made, path, code, remove } = await setUp();
    await using program = made;
    const running = await program.start();
    await using session = await probe(engine, "hits", `${path}:library_call`);
    for (const slot of [0, 1]) await running.ask(`map ${slot} ${path} rx private`);
    await running.ask("unmap 0");
    expect(await running.ask(`mapped 1 ${code.offset} 10`)).toBe("55");
    await running.ask(`map 0 ${path} rx private`);
    expect(await running.ask(`mapped 0 ${code.offset} 10`)).toBe("55");
    for (const slot of [0, 1]) await running.ask(`unmap ${slot}`);
    expect(session.maps.hits?.read()).toBe(20n);
    await session.close();
    expect(await running.end()).toBe(0);
    remove();
  });

  test("a mapping that is moved fires where it is now, and is restored there", async () => {
    const { program: made, path, code, remove } = await setUp();
    await using program = made;
    const running = await program.start();
    await running.ask(`map 0 ${path} rx private`);
    await using session = await probe(engine, "hits", `${path}:library_call`);
    await running.ask(`mapped 0 ${code.offset} 10`);
    await running.ask("move 0");
    expect(await running.ask(`mapped 0 ${code.offset} 100`)).toBe("5050");
    expect(session.maps.hits?.read()).toBe(110n);
    await session.close();
    expect(bytesIn(running.pid, code)).toEqual([code.bytes]);
    expect(await running.ask(`mapped 0 ${code.offset} 10`)).toBe("55");
    remove();
  });
});
