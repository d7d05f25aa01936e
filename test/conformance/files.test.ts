/** Behaviours 26, 27 and 28: what a program writes itself is its own, and the file is never touched. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, copyFileSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { library, privateCopy, target } from "../fixtures/build.ts";
import { launch } from "../fixtures/sonde.ts";
import { armedIn, codeOf } from "./support/bytes.ts";
import { folder, Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

const RET = 0xc3;

behaviour(26, (engine) => {
  test.each([
    ["shared", "rx", "shared"],
    ["writable", "rwx", "private"],
    ["shared and writable", "rwx", "shared"],
  ])("a %s mapping is not armed, a private one beside it is", async (_, prot, sharing) => {
    await using program = new Program();
    const { path, remove } = privateCopy(library());
    const code = codeOf(`${path}:library_call`);
    const before = readFileSync(path);
    const running = await program.start();
    await running.ask(`map 0 ${path} ${prot} ${sharing}`);
    await using session = await probe(engine, "hits", `${path}:library_call`);
    await running.ask(`map 1 ${path} ${prot} ${sharing}`);
    await running.ask(`map 2 ${path} rx private`);
    for (const slot of [0, 1, 2]) expect(await running.ask(`mapped ${slot} ${code.offset} 10`)).toBe("55");
    expect(armedIn(running.pid, code).filter((armed) => armed)).toHaveLength(1);
    expect(session.maps.hits?.read()).toBe(10n);
    expect(readFileSync(path).equals(before)).toBe(true);
    remove();
  });

  test("a byte that the program wrote over the probe is the program's, and stays when the probe goes", async () => {
    await using program = new Program();
    const { path, remove } = privateCopy(library());
    const { offset } = codeOf(`${path}:library_call`);
    const running = await program.start();
    await running.ask(`map 0 ${path} rx private`);
    await running.ask(`map 1 ${path} rx private`);
    await using session = await probe(engine, "hits", `${path}:library_call`);
    await running.ask(`mapped 0 ${offset} 10`);
    await running.ask("protect 0 rwx");
    await running.ask(`poke 0 ${offset} ${RET}`);
    await running.ask("protect 0 rx");
    await running.ask(`mapped 0 ${offset} 10`);
    await running.ask(`mapped 1 ${offset} 5`);
    expect(session.maps.hits?.read()).toBe(15n);
    await session.close();
    expect(await running.ask(`peek 0 ${offset}`)).toBe(String(RET));
    expect(await running.end()).toBe(0);
    remove();
  });
});

behaviour(27, (engine) => {
  test("while it is armed, reading, copying and summing the file give what they gave before", async () => {
    await using program = new Program();
    using place = folder();
    const running = await program.start();
    const code = codeOf(program.at("call"));
    const before = readFileSync(program.path);
    const sum = createHash("sha256").update(before).digest("hex");
    await using session = await probe(engine, "calls", [program.at("call"), program.at("before")]);
    await running.ask("call 10");
    expect(armedIn(running.pid, code)).toEqual([true]);

    expect(readFileSync(program.path).equals(before)).toBe(true);
    expect(execFileSync("sha256sum", [program.path], { encoding: "utf8" }).split(" ")[0]).toBe(sum);
    const copy = join(place.path, "copy");
    copyFileSync(program.path, copy);
    expect(readFileSync(copy).equals(before)).toBe(true);
    // A mapping that shows the file.
    const reader = await program.start();
    await reader.ask(`map 0 ${program.path} r shared`);
    expect(await reader.ask(`peek 0 ${code.offset}`)).toBe(String(code.bytes[0]));

    await session.close();
    expect(readFileSync(program.path).equals(before)).toBe(true);
    expect(session.maps.enters?.read()).toBe(10n);
  });
});

behaviour(28, (engine) => {
  test("who runs it goes on with what was probed, and the run says which file was changed", async () => {
    await using program = new Program(target());
    const copy = privateCopy(library());
    const code = codeOf(`${copy.path}:library_call`);
    const running = await program.start();
    await running.ask(`dlopen ${copy.path}`);
    await running.ask("library library_call 1");
    const run = launch([
      "run",
      join(import.meta.dirname, "scripts/hits.probe.ts"),
      "--engine",
      engine,
      "--format",
      "json",
      "--",
      `--at=${copy.path}:library_call`,
    ]);
    await run.seen('"attached"');
    await running.ask("library library_call 10");
    // In place: the same inode, with a `ret` where the function began.
    const file = openSync(copy.path, "r+");
    writeSync(file, Uint8Array.of(RET), 0, 1, code.offset);
    closeSync(file);
    await running.ask("library library_call 10");
    run.kill("SIGINT");
    const { stdout, stderr } = await run.ended;
    expect(stderr + stdout).toMatch(/overwritten|changed/);
    expect(stderr + stdout).toContain(copy.path);
    expect(await running.end()).toBe(0);
    copy.remove();
  });
});
