/**
 * The door to arming by jumps: puts probes into running processes, and takes them out again. Nothing is attached in between.
 *
 *     const armer = new ArmerProcess({ fd, bytes });            // one for any number of processes; what it shares with them
 *     const armed = await armer.arm(pid, sites, {
 *       ownBytes: PROCESS_BYTES, commonBytes: 8192,
 *       common: (at, arena) => …,                               // code that all copies of an arena use
 *       build: (site, at, arena) => relocateWindow(…),          // the copy for that address, with the probe in it
 *     });
 *     armed.stoppedMs; armed.threads; armed.moved;              // what it cost the process
 *     await armed.disarm();                                     // bytes restored; no thread comes to a probe any more
 *     await armer.close();
 *
 * - A site is a window of src/x86/windows at its run-time address, with the bytes that must stand there.
 * - An arena has, within 2 GiB of its sites, the session's memory (`shared`: the same in all targets) and the process's own
 *   (`own`: inline/memory/layout.ts). A probe should do nothing while the first word of `own` is 0: so it is in forked children,
 *   and after disarm.
 * - `build` gives what relocateWindow gives.
 * - All or nothing: where it rejects, no jump is written. SONDE_SITE_REFUSED, SONDE_INLINE_TAKEN (another sonde is there),
 *   SONDE_INLINE_SHADOW_STACK, SONDE_TRACE_… (rights, tracers, seccomp, no room), SONDE_ARMER_LOST.
 * - A process may be armed several times, at different sites.
 * - Killed at any moment, neither this process nor the arming one harms a target. If this one ends, the other takes the jumps out;
 *   if that one is killed, `lost` resolves and another takes them out; if both are, the next arming or `recoverArenas` does.
 *
 * Linux ≥ 5.6 (pidfd_getfd).
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { SondeError } from "../../../errors/error.ts";
import type { Slot } from "../../../x86/relocate/relocate.ts";
import { deadTracers } from "../../breakpoint/area/markers.ts";
import { builtProgram, environment } from "../../breakpoint/client/tracer-process.ts";
import { Decoder, encode } from "../../breakpoint/wire.ts";
import { aligned } from "./layout.ts";
import type { FromArmer, StopReport, ToArmer, WireArena, WireCopy, WireInlineSite } from "./protocol.ts";
import { MARKERS } from "./restore.ts";

export type { StopReport };
export type InlineSite = WireInlineSite;
/** Addresses in a target, near its sites. */
export type ArenaPlace = Pick<WireArena, "shared" | "own">;
/** What stands in an arena for a window. */
export type Copy = Pick<Slot, "code" | "positions">;

export interface ArmParts {
  /** Memory of the process alone that each arena is to have. */
  readonly ownBytes: number;
  /** Of `common`, at most. */
  readonly commonBytes: number;
  /** Called for each arena before its copies are built. */
  common(at: number, arena: ArenaPlace): Uint8Array;
  build(site: InlineSite, at: number, arena: ArenaPlace): Copy;
}

export interface InlineArmed extends StopReport {
  readonly arenas: readonly ArenaPlace[];
  /** Where the copies lie, site by site. */
  readonly copies: readonly { readonly at: number; readonly copy: Copy; readonly arena: ArenaPlace }[];
  /** Where its threads keep their ids is known; `enable` looks again. */
  readonly knowsThreads: boolean;
  /** Its probes run again that were switched off for want of a heartbeat. */
  enable(): Promise<void>;
  disarm(): Promise<StopReport & { readonly restored: number; readonly clean: boolean }>;
}

export interface Followed {
  readonly entered: Promise<boolean>;
  resume(): Promise<void>;
  again(): Promise<boolean>;
}

const PROGRAM = "armer.mjs";

/** Descriptor 4 of the arming process, and how much of it there is. */
export interface ArmerMemory {
  readonly fd: number;
  readonly bytes: number;
}

type Answer = Exclude<FromArmer, { kind: "failed" | "entered" }>;

export class ArmerProcess {
  readonly pid: number;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<string>;
  /** Resolves if it has ended without being asked to; by then the jumps that it left have been taken out. */
  readonly lost: Promise<string>;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: SondeError) => void }>();
  readonly #entering = new Map<number, (ended: boolean) => void>();
  #request = 0;
  #closing = false;
  #over = false;

  constructor(memory: ArmerMemory) {
    // In a session of its own, so that Ctrl-C in a terminal ends us and not the one that puts everything back.
    this.#child = spawn(process.execPath, ["--no-warnings", builtProgram(PROGRAM), String(memory.bytes)], {
      stdio: ["ignore", "ignore", "pipe", "pipe", memory.fd],
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
    if (message.kind === "entered") {
      this.#entering.get(message.pid)?.(message.ended);
      this.#entering.delete(message.pid);
      return;
    }
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
    const { ownBytes, commonBytes } = parts;
    const { set, arenas, places } = await this.#ask("prepared", (request) => ({ kind: "prepare", request, pid, sites, commonBytes, ownBytes }));
    const disarm = (): ReturnType<InlineArmed["disarm"]> => this.#ask("disarmed", (request) => ({ kind: "disarm", request, pid, set }));
    try {
      const builders = arenas.map((arena) => new ArenaCode(arena, parts));
      const built = sites.map((site, i) => (builders[places[i] as number] as ArenaCode).add(site));
      const codes = builders.map((builder) => builder.bytes());
      const report = await this.#ask("armed", (request) => ({ kind: "commit", request, pid, set, codes, copies: built.map(({ wire }) => wire) }));
      const { stoppedMs, threads, moved, knowsThreads } = report;
      const enable = async (): Promise<void> => {
        await this.#ask("enabled", (request) => ({ kind: "enable", request, pid, set }));
      };
      return { arenas, enable, copies: built.map(({ at, copy, arena }) => ({ at, copy, arena })), stoppedMs, threads, moved, knowsThreads, disarm };
    } catch (error) {
      if (!this.#over) await disarm().catch(() => {});
      throw error;
    }
  }

  /**
   * Attaches to a command that is held before its exec. `entered` resolves when it stands at the entry of the program that it has
   * executed, before its first instruction and with its libraries mapped; true: it has ended before. Then it is let go by
   * `resume`, or by `again` until it has executed another one.
   */
  async follow(pid: number): Promise<Followed> {
    const next = (): Promise<boolean> => new Promise((resolve) => this.#entering.set(pid, resolve));
    const resume = async (again: boolean): Promise<void> => {
      await this.#ask("resumed", (request) => ({ kind: "resume", request, pid, again }));
    };
    const entered = next();
    await this.#ask("following", (request) => ({ kind: "follow", request, pid }));
    return {
      entered,
      resume: () => resume(false),
      again: async () => {
        const later = next();
        await resume(true);
        return await later;
      },
    };
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

/** The code of one arena: what its copies have in common, and they, one behind the other. */
class ArenaCode {
  readonly #arena: WireArena;
  readonly #parts: ArmParts;
  readonly #pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #next: number;

  constructor(arena: WireArena, parts: ArmParts) {
    this.#arena = arena;
    this.#parts = parts;
    this.#next = arena.code;
    this.#put(parts.common(arena.code, arena));
  }

  #put(bytes: Uint8Array): void {
    this.#pieces.push({ at: this.#next, bytes });
    this.#next += aligned(bytes.length);
  }

  add(site: InlineSite): { readonly at: number; readonly copy: Copy; readonly arena: ArenaPlace; readonly wire: WireCopy } {
    const at = this.#next;
    const copy = this.#parts.build(site, at, this.#arena);
    if (copy.code.length > site.most) throw new RangeError(`the copy of ${site.name} takes ${copy.code.length} bytes, and ${site.most} were asked for`);
    this.#put(copy.code);
    return { at, copy, arena: this.#arena, wire: wired(site, copy, at) };
  }

  bytes(): Uint8Array {
    const code = new Uint8Array(this.#next - this.#arena.code).fill(0xcc);
    for (const { at, bytes } of this.#pieces) code.set(bytes, at - this.#arena.code);
    return code;
  }
}

function wired(site: InlineSite, { code, positions }: Copy, at: number): WireCopy {
  const end = site.address + site.original.length;
  const moves = positions.filter(({ rip }) => rip >= site.address && rip < end).flatMap(({ rip, offset }) => [rip, at + offset]);
  const call = positions.find(({ rcx }) => rcx !== undefined);
  return {
    at,
    length: code.length,
    moves: Float64Array.from(moves),
    call: call && { rip: call.rip, at: at + call.offset },
    back: Float64Array.from(positions.flatMap(({ rip, offset, stack, rcx }) => [at + offset, rip, stack, rcx ?? 0])),
  };
}

/** Takes out, in all processes, the jumps of arming processes that were killed. Costs nothing where there is none. */
export async function recoverArenas(): Promise<void> {
  if (deadTracers(MARKERS).length === 0) return;
  const child = spawn(process.execPath, ["--no-warnings", builtProgram(PROGRAM), "--recover"], { stdio: "ignore", detached: true, env: environment() });
  await new Promise((resolve) => child.once("close", resolve).once("error", resolve));
}
