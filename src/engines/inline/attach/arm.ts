/**
 * The door to arming by jumps: puts probes into running processes, and takes them out again. Nothing is attached in between.
 *
 *     const armer = new ArmerProcess();                         // one for any number of processes
 *     const armed = await armer.arm(pid, sites, {
 *       dataBytes: 4096,                                        // of shared memory near each site: counters, tables
 *       begin: (arenas) => { … fill arena.memory … },           // before anything is built
 *       build: (site, at, arena) => relocateWindow(…),          // the copy for that address, with the probe in it
 *     });
 *     armed.stoppedMs; armed.threads; armed.moved;              // what it cost the process
 *     await armed.disarm();                                     // bytes restored; no thread comes to a probe any more
 *     await armer.close();
 *
 * - A site is a window of src/x86/windows at its run-time address, with the bytes that must stand there.
 * - `build` gives what relocateWindow gives. It may be called twice for a site: for the copy that it had before (the same bytes
 *   serve again, so that a target doesn't grow with each session), and for a new place. It must depend on its arguments alone.
 * - A probe should do nothing while the word at `arena.enabled` is 0: so it is in forked children, and after disarm.
 * - All or nothing: where it rejects, no jump is written. SONDE_SITE_REFUSED, SONDE_INLINE_TAKEN (another sonde is there),
 *   SONDE_INLINE_SHADOW_STACK, SONDE_TRACE_… (rights, tracers, seccomp, no room), SONDE_ARMER_LOST.
 * - Killed at any moment, neither this process nor the arming one harms a target. If this one ends, the other takes the jumps out;
 *   if that one is killed, `lost` resolves and another takes them out; if both are, the next arming or `recoverArenas` does.
 *
 * Linux ≥ 4.17 (MAP_FIXED_NOREPLACE).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Duplex } from "node:stream";
import { SondeError } from "../../../errors/error.ts";
import { mapWhileHeld } from "../../../sys/memory.ts";
import type { Slot } from "../../../x86/relocate/relocate.ts";
import { deadTracers } from "../../breakpoint/area/markers.ts";
import { builtProgram, environment } from "../../breakpoint/client/tracer-process.ts";
import { Decoder, encode } from "../../breakpoint/wire.ts";
import type { FromArmer, StopReport, ToArmer, WireArena, WireCopy, WireInlineSite, WirePlace } from "./protocol.ts";
import { MARKERS } from "./restore.ts";

export type { StopReport };
export type InlineSite = WireInlineSite;
/** Memory near the code of a target that is shared with it. */
export interface ArenaPlace {
  /** Where it lies in the target. */
  readonly data: number;
  /** The same in this process, for as long as anybody holds it. What an earlier session has left is in it. */
  readonly memory: ArrayBuffer;
  /** A word in the target that isn't 0 while probes are to run. */
  readonly enabled: number;
}
/** What stands in an arena for a window. */
export type Copy = Pick<Slot, "code" | "positions">;

export interface ArmParts {
  /** Shared memory that each arena is to have. */
  readonly dataBytes: number;
  begin?(arenas: readonly ArenaPlace[]): void | Promise<void>;
  build(site: InlineSite, at: number, arena: ArenaPlace): Copy;
}

export interface InlineArmed extends StopReport {
  readonly arenas: readonly ArenaPlace[];
  /** Where the copies lie, site by site. */
  readonly copies: readonly { readonly at: number; readonly copy: Copy; readonly arena: ArenaPlace }[];
  disarm(): Promise<StopReport & { readonly restored: number }>;
}

const PROGRAM = "armer.mjs";

type Answer = Exclude<FromArmer, { kind: "failed" }>;

export class ArmerProcess {
  readonly pid: number;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<string>;
  /** Resolves if it has ended without being asked to; by then the jumps that it left have been taken out. */
  readonly lost: Promise<string>;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: SondeError) => void }>();
  #request = 0;
  #closing = false;
  #over = false;

  constructor() {
    // In a session of its own, so that Ctrl-C in a terminal ends us and not the one that puts everything back.
    this.#child = spawn(process.execPath, ["--no-warnings", builtProgram(PROGRAM)], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      detached: true,
      env: environment(),
    });
    this.pid = this.#child.pid ?? 0;
    let errors = "";
    this.#child.stderr?.on("data", (text: Buffer) => {
      errors = (errors + text.toString("utf8")).slice(-4000);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("close", (status, signal) => resolve(`${signal ?? `status ${status}`}${errors === "" ? "" : `: ${errors.trim()}`}`));
    });
    this.lost = this.ended.then(async (how) => {
      this.#over = true;
      const lost = new SondeError("SONDE_ARMER_LOST", "the process that arms for sonde has ended", {
        why: how,
        mend: "The targets were left running and their code put back. Run it again; if it happens again, please report it.",
      });
      for (const { reject } of this.#waiting.values()) reject(lost);
      this.#waiting.clear();
      if (this.#closing) return await new Promise<string>(() => {});
      await recoverArenas();
      return how;
    });
    this.#socket = this.#child.stdio[3] as Duplex;
    const decoder = new Decoder<FromArmer>();
    this.#socket.on("data", (piece: Buffer) => {
      for (const message of decoder.push(piece)) this.#take(message);
    });
    // The other end is gone: `ended` tells.
    this.#socket.on("error", () => {});
    this.#hold(false);
  }

  #take(message: FromArmer): void {
    const waiting = this.#waiting.get(message.request);
    this.#waiting.delete(message.request);
    if (this.#waiting.size === 0) this.#hold(false);
    if (message.kind === "failed") {
      const { code, message: text, exit, ...parts } = message.error;
      waiting?.reject(new SondeError(code as `SONDE_${string}`, text, { ...parts, exit: exit as never }));
    } else waiting?.resolve(message);
  }

  async #ask<Kind extends Answer["kind"]>(kind: Kind, message: (request: number) => ToArmer): Promise<Extract<Answer, { kind: Kind }>> {
    const request = ++this.#request;
    const answer = await new Promise<Answer>((resolve, reject) => {
      if (this.#over) return reject(new SondeError("SONDE_ARMER_LOST", "the process that arms for sonde has ended", { mend: "Run it again." }));
      this.#waiting.set(request, { resolve, reject });
      this.#hold(true);
      this.#socket.write(encode(message(request)));
    });
    return answer as Extract<Answer, { kind: Kind }> & { kind: typeof kind };
  }

  /** Arms windows of one process; see above. */
  async arm(pid: number, sites: readonly InlineSite[], parts: ArmParts): Promise<InlineArmed> {
    const prepared = await this.#ask("prepared", (request) => ({ kind: "prepare", request, pid, sites, dataBytes: parts.dataBytes }));
    const disarm = (): Promise<StopReport & { readonly restored: number }> => this.#ask("disarmed", (request) => ({ kind: "disarm", request, pid }));
    try {
      const arenas = prepared.arenas.map((arena) => this.#opened(arena));
      await parts.begin?.(arenas);
      const built = sites.map((site, i) => place(site, prepared.places[i] as WirePlace, arenas, parts));
      const report = await this.#ask("armed", (request) => ({ kind: "commit", request, pid, copies: built.map(({ wire }) => wire) }));
      const { stoppedMs, threads, moved } = report;
      return { arenas, copies: built.map(({ at, copy, arena }) => ({ at, copy, arena })), stoppedMs, threads, moved, disarm };
    } catch (error) {
      if (!this.#over) await disarm().catch(() => {});
      throw error;
    }
  }

  #opened({ data, dataBytes, enabled, path, fileOffset }: WireArena): ArenaPlace {
    let file: number;
    try {
      file = openSync(path, "r+");
    } catch (cause) {
      // It's the arming process's, which was killed.
      throw new SondeError("SONDE_ARMER_LOST", "the memory of the process that arms for sonde can't be opened", { where: path, mend: "Run it again.", cause });
    }
    try {
      return { data, memory: mapWhileHeld(file, dataBytes, fileOffset), enabled };
    } finally {
      closeSync(file);
    }
  }

  /** Takes out all that is still armed, and ends. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#hold(true);
    this.#socket.end();
    this.#socket.destroy();
    await this.ended;
  }

  /** While an answer is awaited, the process doesn't end. */
  #hold(on: boolean): void {
    for (const one of [this.#child, this.#socket, this.#child.stderr] as unknown as { ref(): void; unref(): void }[]) {
      if (on) one.ref();
      else one.unref();
    }
  }
}

function place(
  site: InlineSite,
  { arena: number, fresh, kept }: WirePlace,
  arenas: readonly ArenaPlace[],
  parts: ArmParts,
): { at: number; copy: Copy; arena: ArenaPlace; wire: WireCopy } {
  const arena = arenas[number] as ArenaPlace;
  if (kept !== undefined) {
    const copy = parts.build(site, kept.at, arena);
    if (copy.code.length === kept.code.length && copy.code.every((byte, i) => byte === kept.code[i]))
      return { at: kept.at, copy, arena, wire: wired(site, copy, kept.at, false) };
  }
  const copy = parts.build(site, fresh, arena);
  if (copy.code.length > site.most) throw new RangeError(`the copy of ${site.name} takes ${copy.code.length} bytes, and ${site.most} were asked for`);
  return { at: fresh, copy, arena, wire: wired(site, copy, fresh, true) };
}

function wired(site: InlineSite, { code, positions }: Copy, at: number, fresh: boolean): WireCopy {
  const end = site.address + site.original.length;
  const moves = positions.filter(({ rip }) => rip >= site.address && rip < end).flatMap(({ rip, offset }) => [rip, at + offset]);
  const call = positions.find(({ rcx }) => rcx !== undefined);
  return { at, code: fresh ? code : undefined, moves: Float64Array.from(moves), call: call && { rip: call.rip, at: at + call.offset } };
}

/** Takes out, in all processes, the jumps of arming processes that were killed. Costs nothing where there is none. */
export async function recoverArenas(): Promise<void> {
  if (deadTracers(MARKERS).length === 0) return;
  const child = spawn(process.execPath, ["--no-warnings", builtProgram(PROGRAM), "--recover"], { stdio: "ignore", detached: true, env: environment() });
  await new Promise((resolve) => child.once("close", resolve).once("error", resolve));
}
