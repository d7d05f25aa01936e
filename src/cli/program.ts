/** All commands with their options and help, for parsing and for shell completion. What a command does is loaded when it runs. */
import { Command, Option } from "commander";
import { collect, parseCount, parseDuration, parseShare } from "./options.ts";

export const VERSION = process.env.SONDE_VERSION ?? "0.0.0";

/** Tells the exit status of the command that ran. */
export type Finish = (status: number) => void;

const EXAMPLES = `
Examples:
  sonde -e 'const n = count(); uprobe("libc:malloc", () => n.add())' --for 5s
  sonde run slow-lookups.ts -p 1234 -- --slow=5000000
  sonde run sizes.ts -c 'gzip -k big.log'
  sonde list 'libc:mem*' -v
  sonde explain -e 'const h = hist(); uprobe("libc:malloc", c => h.add(c.arg0))'
  sonde doctor

Exit status:
  0   all well
  1   the script or the target is at fault (or the status given to exit())
  2   wrong usage
  3   missing rights
  70  a bug in sonde`;

const RUN_EXAMPLES = `
Behind -- stand the script's parameters (with -e: a command with its arguments):
  sonde run lookups.ts -p 1234 -- --slow=5000000
  sonde run lookups.ts --params           lists them
  sonde -e 'SCRIPT' -- gzip -k big.log    as -c, without a shell's quoting`;

const TYPES_EXAMPLES = `
Examples:
  sonde types ./server -o server.d.ts               every function, as "server:handle"
  sonde types /opt/pg/bin/postgres 'exec_*' --as postgres > postgres.d.ts
  sonde types libstdc++ 'libstdcxx:*'               its static probes
  sonde types kernel -o kernel.d.ts                 task_struct and all tracepoints
  sonde types kernel task_struct 'sched:*'          these alone`;

function addRunOptions(command: Command): Command {
  return command
    .addOption(new Option("-p, --process <pid|name>", "only this process; may be given several times").argParser(collect))
    .option("-c, --command <cmd>", "start this command and probe only it; the run ends when it does")
    .option("--children", "with -p or -c: their descendants too")
    .option("--cgroup <path>", "only processes in this cgroup (v2)")
    .addOption(new Option("--for <duration>", "end after this time, as 500ms, 5s, 2m").argParser(parseDuration))
    .addOption(new Option("--every <duration>", "print maps and aggregates repeatedly").argParser(parseDuration))
    .addOption(new Option("--format <format>", "text, or one JSON object a line").choices(["text", "json"]).default("text"))
    .option("-o, --output <file>", "write there instead of to stdout")
    .addOption(new Option("--engine <engine>", "how to instrument").choices(["auto", "kernel", "breakpoint", "inline"]).default("auto"))
    .addOption(
      new Option("--unwind <way>", "how stacks are found: frame pointers, or tables, which every program has")
        .choices(["pointers", "tables"])
        .default("pointers"),
    )
    .addOption(new Option("--budget <share>", "end when the probes take more than this of a CPU, as 5%").argParser(parseShare))
    .option("--estimate", "say what the probes would take of a CPU, by counting their hits for a second; nothing else is done")
    .option("--exact", "put probes exactly where asked, never on a cheaper instruction near it")
    .option("--unsafe", "let the script change the target, by intercept() and c.unsafe");
}

export function makeProgram(finish: Finish): Command {
  const program = new Command("sonde");
  program
    .description("Trace any running Linux program from TypeScript.")
    .version(VERSION, "-V, --version")
    .usage("[options] [command]")
    .option("-e, --eval <script>", "run this script; the whole vocabulary is in scope")
    .argument("[command...]", "behind --: a command to start and probe")
    .helpCommand(false)
    .showHelpAfterError("(sonde --help shows what there is)")
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText("after", EXAMPLES)
    .action(async (words: string[], options) => {
      if (options.eval === undefined) {
        if (words.length > 0) program.error(`error: unknown command '${words[0]}'`);
        program.help({ error: true });
      }
      const { run } = await import("./commands/run.ts");
      finish(await run({ code: options.eval }, words, options));
    });
  addRunOptions(program);

  addRunOptions(program.command("run"))
    .description("run a script")
    .argument("<file>", "a TypeScript module that says what to probe")
    .argument("[params...]", "behind --: the script's parameters, as --slow=5")
    .option("--params", "list the script's parameters and end")
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (file: string, words: string[], options) => {
      const { run } = await import("./commands/run.ts");
      finish(await run({ file }, words, options));
    });

  program
    .command("list")
    .description("list the places that a target names: address, size, first instruction, cost")
    .argument("<target>", "as in a script, with wildcards: 'libc:mem*', '/path/to/program:function+0x1c'")
    .addOption(new Option("-p, --process <pid|name>", "look the library up as this process sees it").argParser(collect))
    .option("-v, --verbose", "show the chosen offset, aliases and the expected cost of a hit")
    .addOption(
      new Option("--unwind <way>", "how stacks are found: frame pointers, or tables, which every program has")
        .choices(["pointers", "tables"])
        .default("pointers"),
    )
    .option("--exact", "as in run: the place itself, not a cheaper one near it")
    .option("--usdt", "static probes, as usdt() names them: 'python3:python:gc*', 'libstdc++:*'")
    .option("--tracepoint", "the kernel's tracepoints, with what their records hold: 'sched:*'")
    .option("--json", "one JSON object a line")
    .action(async (target: string, options) => {
      const { list } = await import("./commands/list.ts");
      finish(await list(target, options));
    });

  program
    .command("check")
    .description("say what is wrong with scripts, without running them; needs no rights")
    .argument("<file...>", "scripts")
    .option("-w, --watch", "check again whenever a file changes, in the line format of tsc")
    .option("--json", "one JSON object a line")
    .action(async (files: string[], options) => {
      const { check } = await import("./commands/check.ts");
      finish(await check(files, options));
    });

  program
    .command("explain")
    .description("show the bytecode beside the lines of the script, or what an error's code means; needs no rights")
    .argument("[file]", "a script, or a code: SONDE_TARGET_EMPTY")
    .argument("[params...]", "behind --: the script's parameters")
    .option("-e, --eval <script>", "a script as text")
    .action(async (file: string | undefined, words: string[], options) => {
      const { explain } = await import("./commands/explain.ts");
      finish(await explain(file, words, options));
    });

  program
    .command("types")
    .description("write declarations, with which editors and tsc know a program's functions and types, or the kernel's")
    .argument("<bin>", "a path, or the name of a library or program; or kernel")
    .argument("[names...]", "functions, with wildcards: 'SSL_*'; of the kernel: structures and tracepoints, task_struct 'sched:*'")
    .option("--as <name>", "what targets in scripts call the file")
    .addOption(new Option("--depth <n>", "follow at most so many pointers from a parameter").argParser(parseCount))
    .option("-o, --output <file>", "write there instead of to stdout")
    .addHelpText("after", TYPES_EXAMPLES)
    .action(async (what: string, names: string[], options) => {
      const { types } = await import("./commands/types.ts");
      finish(await types(what, names, options));
    });

  program
    .command("doctor")
    .description("say what works on this machine, what doesn't, and how to mend it")
    .option("--json", "as JSON")
    .action(async (options) => {
      const { doctor } = await import("./commands/doctor.ts");
      finish(await doctor(options));
    });

  program
    .command("demo")
    .description("probe a workload of ordinary programs, live, for some seconds")
    .action(async () => {
      const { demo } = await import("./commands/demo.ts");
      finish(await demo());
    });

  program
    .command("init")
    .description("write a tsconfig.json with which editors know the vocabulary")
    .argument("[folder]", "where", ".")
    .action(async (folder: string) => {
      const { init } = await import("./commands/init.ts");
      finish(await init(folder));
    });

  program
    .command("completion")
    .description("print a completion script")
    .argument("<shell>", "bash, zsh or fish")
    .action(async (shell: string) => {
      const { completion } = await import("./commands/completion.ts");
      finish(completion(shell, program));
    });

  for (const command of program.commands) command.exitOverride().showHelpAfterError(`(sonde ${command.name()} --help shows what there is)`);
  return program;
}
