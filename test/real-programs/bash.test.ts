/** bash, interactive in a terminal and as a script's shell. */
import { describe, expect, test } from "vitest";
import { eventually, inTerminal, mapOf, objectsOf, quoted, tool, traced, tracing } from "./support.ts";

const bash = "/bin/bash";

describe("an interactive bash", () => {
  test("has each line that is typed seen by bashreadline, exactly as it was typed, in order", async () => {
    await using run = await tracing(["run", tool("bashreadline")]);
    const typed = ["echo one two  three", "true # äöü €", ":", "x='a\"b'; echo $x"];
    const terminal = inTerminal("PS1='<$$>' bash --norc --noprofile -i");
    for (const line of typed) {
      terminal.type(`${line}\n`);
      await run.seen(JSON.stringify(line));
    }
    terminal.type("exit\n");
    await terminal.ended;
    const outcome = await run.end();
    const pid = Number(/<(\d+)>/.exec(terminal.shown())?.[1]);
    const lines = objectsOf(outcome, "event", "lines").map(({ data }) => data as { pid: number; uid: number; line: string });
    expect(lines.filter((one) => one.pid === pid).map(({ line }) => line)).toEqual([...typed, "exit"]);
  });
  test("ended by Ctrl-D has readline() give NULL once, which is no line", async () => {
    const script = `const lines = count(), ends = count(); uretprobe("${bash}:readline", (c) => c.ret === 0 ? ends.add() : lines.add());`;
    await using run = await tracing(["-e", script]);
    const terminal = inTerminal("PS1='<$$>' bash --norc --noprofile -i");
    await eventually(() => terminal.shown().includes(">"), "a prompt");
    for (const text of [":\n", ":\n"]) terminal.type(text);
    await eventually(() => terminal.shown().split("<").length >= 4, "a third prompt");
    terminal.type("\x04");
    await terminal.ended;
    const outcome = await run.end();
    expect([mapOf(outcome, "lines"), mapOf(outcome, "ends")]).toEqual([2, 1]);
  });
});

test("a script's built-in commands are counted exactly, and not those of its subshells", async () => {
  const script = `const n = hash(func, count()); uprobe(["${bash}:echo_builtin", "${bash}:colon_builtin"], (c) => n.at(c.func).add());`;
  const command = quoted(bash, "-c", "for i in {1..700}; do echo $i; :; done >/dev/null; (for i in {1..50}; do echo; done) >/dev/null; :");
  expect(mapOf(await traced(["-e", script, "-c", command]), "n")).toEqual({ echo_builtin: 700, colon_builtin: 701 });
  expect(mapOf(await traced(["-e", script, "-c", command, "--children"]), "n")).toEqual({ echo_builtin: 750, colon_builtin: 701 });
});
