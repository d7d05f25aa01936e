/** A command that is started, held before its first instruction until the probes are in, and then let go. */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { constants as os } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { launcherPath } from "./launcher.ts";

/** Where the command's streams go: to ours, or nowhere. */
export type CommandStdio = "inherit" | "ignore";

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** As execvp(3) looks: a name without a slash in each folder of PATH. */
export function findProgram(name: string, path = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin"): string {
  const tries = name.includes("/") ? [resolve(name)] : path.split(delimiter).map((folder) => join(resolve(folder), name));
  const found = name === "" ? undefined : tries.find(isProgram);
  if (found !== undefined) return found;
  throw new SondeError("SONDE_COMMAND_NOT_FOUND", `there is no program ${name}`, {
    mend: name.includes(" ")
      ? "The command is run without a shell: give the program and its arguments one by one, or sh -c '…'."
      : "Give a path, or a name that is found in PATH.",
    exit: ExitStatus.usage,
  });
}

/** The letter of the process's state, from behind the name, which may hold anything. */
function stateOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.charAt(text.lastIndexOf(")") + 2);
  } catch {
    return "";
  }
}

/** The launcher needs microseconds to stop itself. */
const PATIENCE_MS = 5000;

export class HeldCommand {
  readonly pid: number;
  /** The command's exit status, 128 + signal if one killed it. */
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  #released = false;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.exited = new Promise((done) => {
      child.once("exit", (status, signal) => done(signal === null ? (status ?? 0) : 128 + os.signals[signal]));
    });
  }

  static async start(command: readonly string[], stdio: CommandStdio): Promise<HeldCommand> {
    const [name] = command;
    if (name === undefined) throw new SondeError("SONDE_COMMAND_NOT_FOUND", "the command is empty", { exit: ExitStatus.usage });
    const program = findProgram(name);
    const child = spawn(launcherPath(), [program, ...command], { stdio });
    if (child.pid === undefined) {
      const error = await new Promise<Error>((fail) => child.once("error", fail));
      throw new SondeError("SONDE_COMMAND_START", `${name} can't be started`, {
        why: error.message,
        mend: "The folder of sonde's cache must allow programs to be run (no noexec): set XDG_CACHE_HOME.",
        cause: error,
      });
    }
    const held = new HeldCommand(child, child.pid);
    const deadline = Date.now() + PATIENCE_MS;
    while (stateOf(child.pid) !== "T") {
      if (Date.now() > deadline || child.exitCode !== null) {
        held.kill();
        throw new SondeError("SONDE_COMMAND_START", `${name} couldn't be held before its start`, {
          why: `the process is in the state ${stateOf(child.pid) || "gone"}`,
        });
      }
      await new Promise((next) => setImmediate(next));
    }
    return held;
  }
  /** Lets the command begin. */
  release(): void {
    this.#released = true;
    this.#child.kill("SIGCONT");
  }
  /** Ends it if it was never let go; a command that runs is left alone. */
  abandon(): void {
    if (!this.#released) this.kill();
  }
  kill(): void {
    this.#child.kill("SIGKILL");
  }
  /** Our waiting for it doesn't keep the process alive. */
  forget(): void {
    this.#child.unref();
  }
}
