/** One session in the tracer: its programs, what it traces, what it is asked; from arming to letting everything go. */
import { SondeError } from "../../../errors/error.ts";
import { isAlive, processesMapping, tracerOf } from "../../../sys/procfs.ts";
import { cont, interrupt, pokeReg, Reg, Wait, wait } from "../../../sys/ptrace.ts";
import type { FromTracer, ToTracer } from "../protocol.ts";
import { Arming } from "./arming.ts";
import { Bell } from "./bell.ts";
import type { Channel } from "./channel.ts";
import { Environment } from "./environment.ts";
import { FileWatch } from "./file-watch.ts";
import { refuseForeign } from "./foreign.ts";
import { halt, nap } from "./halt.ts";
import { Hits } from "./hits.ts";
import { Interceptions } from "./interceptions.ts";
import { judge } from "./judge.ts";
import { letAllGo, letGo } from "./let-go.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Programs } from "./programs.ts";
import { restoreBytes } from "./recover.ts";
import { Registry } from "./registry.ts";
import { Returns } from "./returns.ts";
import { attachShared } from "./shared.ts";
import type { Space, Tracee } from "./space.ts";
import type { Stacks } from "./stacks.ts";
import { Tracer } from "./tracer.ts";

/** A process all of whose threads wait for children is waited for so long, ms. */
const LONGEST_VFORK = 2000;

type ArmMessage = Extract<ToTracer, { kind: "arm" }>;

export class TracingSession {
  readonly #message: ArmMessage;
  readonly #channel: Channel<ToTracer, FromTracer>;
  readonly #registry: Registry;
  readonly #lifecycle: Lifecycle;
  readonly #arming: Arming;
  readonly #returns: Returns;
  readonly #interceptions: Interceptions;
  readonly #tracer: Tracer;
  readonly #bell: Bell;
  readonly #notes: string[] = [];
  #watch: FileWatch | undefined;
  /** While the session arms: one site that can't be armed makes it fail. */
  #strict = true;
  #ending = false;
  /** The process that is being armed. */
  #arms = 0;
  readonly #own: ReadonlySet<number>;

  constructor(message: ArmMessage, channel: Channel<ToTracer, FromTracer>, memoryFd: number, stacks: Stacks | undefined) {
    this.#message = message;
    this.#channel = channel;
    this.#registry = new Registry(message.image, message.probes);
    const shared = attachShared(message.image, memoryFd, () => channel.send({ kind: "wake" }));
    const environment = new Environment(stacks);
    const programs = new Programs(message.image, shared.layout, shared.memory, shared.stores, environment);
    this.#arming = new Arming({
      registry: this.#registry,
      note: (text) => this.#note(text),
      strict: (pid) => this.#strict && (message.named.includes(pid) || this.#arms === pid),
    });
    this.#returns = new Returns({
      released: (space, returnTo) => {
        const armed = space.armed.get(returnTo);
        if (armed !== undefined && armed.waiting > 0) armed.waiting--;
      },
      dropped: () => shared.countLostReturn(),
    });
    this.#interceptions = new Interceptions({ send: (answer) => channel.send(answer), commOf: (tracee) => environment.nameOf(tracee) });
    const hits = new Hits({
      programs,
      environment,
      context: shared.context,
      returns: this.#returns,
      refused: shared.refused,
      readsFloats: message.image.programs.map(({ readsFloats }) => readsFloats),
      writesRegisters: message.image.programs.map(({ writesRegisters }) => writesRegisters),
      armReturn: (tracee, address, slot) => {
        // To arm may take system calls in this thread, from which it must come back to its slot, whatever becomes of us.
        if (!tracee.space.armed.has(address)) pokeReg(tracee.tid, Reg.rip, slot);
        return this.#arming.armReturn(tracee.space, tracee.tid, address);
      },
      lostReturn: () => shared.countLostReturn(),
      ask: (use, phase, call) => this.#interceptions.ask({ use, phase, call }),
    });
    this.#lifecycle = new Lifecycle({
      returns: this.#returns,
      children: message.children || this.#everyone,
      release: (child) => this.#letChildGo(child),
      executed: (tracee) => this.#executed(tracee),
      complete: (child) => this.#arming.complete(child.space, child.tid),
      orphaned: (pid) => this.#takeOrphan(pid),
      resume: (tid) => cont(tid),
    });
    this.#bell = Bell.start([channel.fd]);
    this.#own = new Set([process.pid, process.ppid]);
    this.#tracer = new Tracer({
      lifecycle: this.#lifecycle,
      arming: this.#arming,
      hits,
      returns: this.#returns,
      interceptions: this.#interceptions,
      bell: this.#bell,
      rung: () => this.#rung(),
    });
  }

  get #everyone(): boolean {
    return this.#message.pids.length === 0;
  }
  #note(text: string): void {
    if (this.#strict) this.#notes.push(text);
    else this.#channel.send({ kind: "note", text });
  }

  /** Attaches and arms; the answer is sent. Throws a SondeError with everything taken back. */
  arm(): void {
    try {
      for (const file of this.#registry.files.values()) judge(file);
      if (this.#everyone) this.#armEveryone();
      else for (const pid of this.#message.pids) this.#armNamed(pid);
    } catch (error) {
      this.#letGo();
      throw error;
    }
    this.#strict = false;
    this.#channel.send({ kind: "armed", sites: this.#registry.siteCount, notes: this.#notes });
  }

  #armNamed(pid: number): void {
    try {
      this.#armProcess(pid, pid === this.#message.held);
    } catch (error) {
      if (!(error instanceof SondeError && error.code === "SONDE_PROCESS_NOT_FOUND") || this.#message.named.includes(pid)) throw error;
    }
  }

  #armProcess(pid: number, held: boolean): void {
    if (this.#own.has(pid))
      throw new SondeError("SONDE_TRACE_SELF", `process ${pid} is sonde itself`, {
        where: `pid ${pid}`,
        mend: "Probe it from another sonde with the engine kernel.",
      });
    refuseForeign(pid);
    this.#arms = pid;
    const tracee = this.#lifecycle.attach(pid, true);
    // It is stopped before its exec, and has nothing mapped yet that is meant.
    if (held) return;
    const stopped = this.#stopOne(tracee.space);
    if (stopped === undefined) return;
    const signal = this.#pendingSignal;
    this.#arming.sync(stopped.space, stopped.tid);
    if (stopped.space.areas.unprotected)
      this.#note(
        `Process ${pid} handles SIGTRAP itself: if sonde's tracer is killed with -9, a breakpoint that it hits before the next start of sonde is taken for its own.`,
      );
    this.#continue(stopped, signal);
  }

  #armEveryone(): void {
    const files = [...this.#registry.files.values()];
    // First whoever comes, then who is there: nobody is missed between.
    this.#watch = FileWatch.available() ? new FileWatch(files, { follow: (pid, why, opener) => this.#follow(pid, why, opener), ignore: this.#own }) : undefined;
    if (this.#watch !== undefined) this.#bell.restart([this.#channel.fd, this.#watch.fd]);
    const pids = new Set(files.flatMap((file) => processesMapping(file)));
    let denied: SondeError | undefined;
    for (const pid of pids) {
      // Nobody is held for longer than a second, and there may be hundreds to attach to.
      this.#attend();
      if (this.#own.has(pid) || this.#lifecycle.tracees.has(pid)) continue;
      try {
        this.#armProcess(pid, false);
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
        // It has ended; or it was forked by one that we trace, which will tell of it.
        if (!isAlive(pid) || isOurs(pid)) continue;
        if (error.code.startsWith("SONDE_SITE")) throw error;
        denied ??= error;
        this.#note(`Process ${pid} isn't probed: ${error.why ?? error.message}.`);
      }
    }
    if (this.#watch === undefined) {
      if (denied !== undefined && this.#lifecycle.tracees.size === 0) throw denied;
      this.#note("Programs that start later aren't probed: to be told of them takes root and Linux 6.8 (use -c to start one, or -p with --children).");
    }
  }

  /** Somebody executes or opens a probed file, and waits for our answer. */
  #follow(pid: number, why: "exec" | "open", opener: number): void {
    if (this.#own.has(pid)) return;
    let tracee = this.#lifecycle.tracees.get(pid);
    if (tracee === undefined) {
      try {
        tracee = this.#lifecycle.attach(pid, true);
      } catch (error) {
        if (isAlive(pid)) this.#note(`Process ${pid} isn't probed: ${error instanceof SondeError ? (error.why ?? error.message) : String(error)}.`);
        return;
      }
    }
    if (why === "open") {
      // When it comes back from the system call it is looked at: then its loader tells us of the mapping.
      const thread = this.#lifecycle.tracees.get(opener) ?? tracee;
      thread.look = true;
      interrupt(thread.tid);
    }
  }

  #pendingSignal = 0;
  /** One of the process's own threads, which may have to make system calls. Throws SONDE_TRACE_VFORK. */
  #stopOne(space: Space): Tracee | undefined {
    for (const start = performance.now(); ; nap()) {
      let waiting = 0;
      for (const tracee of [...space.tracees]) {
        if (tracee.pid !== space.pid) continue;
        const signal = halt(this.#lifecycle, tracee, (address) => space.armed.has(address));
        if (signal === undefined) continue;
        if (signal === "waits") {
          waiting++;
          continue;
        }
        this.#pendingSignal = signal;
        return tracee;
      }
      if (waiting === 0) return undefined;
      if (performance.now() - start > LONGEST_VFORK)
        throw new SondeError("SONDE_TRACE_VFORK", `process ${space.pid} waits for a process that it has made by vfork`, {
          where: `pid ${space.pid}`,
          why: "none of its threads can be stopped before that has executed something or ended",
          mend: "Try again, or use the engine kernel.",
        });
      // Those that they wait for have stops of their own.
      for (const tracee of [...space.tracees]) if (tracee.pid !== space.pid) this.#tracer.attend(tracee.tid);
    }
  }
  #continue(tracee: Tracee, signal: number): void {
    this.#tracer.resume(tracee, signal);
  }

  /** The new program is mapped and nothing of it has run. */
  #executed(tracee: Tracee): void {
    if (!tracee.wanted) {
      letGo(this.#lifecycle, tracee, 0);
      return;
    }
    this.#arming.sync(tracee.space, tracee.tid);
    cont(tracee.tid);
  }

  /** A forked child that isn't followed: its copy of the text is cleaned. */
  #letChildGo(child: Tracee): void {
    this.#putBack(child);
    letGo(this.#lifecycle, child, 0);
  }

  /** All that a stopped thread's address space has of ours goes; its areas stay, for threads that are inside. */
  #putBack({ space, tid }: Tracee): void {
    this.#arming.removeAll(space);
    try {
      space.areas.restoreSigtrap(tid);
      space.areas.disown();
    } catch (error) {
      // Killed meanwhile.
      if (!(error instanceof SondeError)) throw error;
    }
  }

  /** A child whose parent was killed at its fork: of what it has of ours, its own memory tells. */
  #takeOrphan(pid: number): void {
    try {
      const tracee = this.#lifecycle.adopt(pid);
      restoreBytes(tracee.space, new Set());
      if (!this.#ending && (this.#message.children || this.#everyone)) {
        this.#arming.sync(tracee.space, pid);
        cont(pid);
        return;
      }
      tracee.space.areas.adopt(pid);
      this.#letChildGo(tracee);
    } catch (error) {
      if (!(error instanceof SondeError)) throw error;
    }
  }

  /** The bell rang: the session has said something or is gone, or a file was opened. */
  #rung(): void {
    for (const message of this.#channel.take()) this.#obey(message);
    if (!this.#ending) this.#attend();
    if (this.#channel.ended) this.#end();
  }

  /** To those who wait with a probed file. */
  #attend(): void {
    if (this.#watch === undefined || this.#watch.handle()) return;
    this.#watch.close();
    this.#watch = undefined;
    this.#bell.restart([this.#channel.fd]);
    this.#note("Programs that start from now on aren't probed: somebody has killed sonde-guard, which tells of them.");
  }

  #obey(message: ToTracer): void {
    switch (message.kind) {
      case "detach":
        this.#registry.detach(message.probe);
        for (const space of this.#spaces()) this.#arming.detach(space, message.probe);
        this.#channel.send({ kind: "done", request: message.request });
        break;
      case "verdict":
        this.#interceptions.verdict(message.tid, message.verdict, message.regs);
        break;
      case "disarm":
        this.#letGo();
        this.#channel.send({ kind: "done", request: message.request });
        this.#end();
        break;
    }
  }

  #spaces(): Set<Space> {
    const spaces = new Set<Space>();
    for (const tracee of this.#lifecycle.tracees.values()) spaces.add(tracee.space);
    return spaces;
  }

  /** All breakpoints out, every thread let go where it would be without us. */
  #letGo(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#interceptions.releaseAll();
    for (const space of this.#spaces()) this.#arming.removeAll(space);
    letAllGo({
      lifecycle: this.#lifecycle,
      isSite: ({ space }, address) => space.armed.has(address),
      clean: ({ space }) => this.#arming.removeAll(space),
      last: (tracee) => this.#putBack(tracee),
    });
  }

  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#letGo();
    this.#tracer.stop();
  }

  run(): void {
    this.#tracer.run();
    this.abandon();
  }
  /** Whatever happens, nothing stays armed, and the bell goes. */
  abandon(): void {
    this.#letGo();
    this.#bell.close();
    wait(0, Wait.exited | Wait.all | Wait.noHang, { tid: 0, code: 0, status: 0 });
  }
}

function isOurs(pid: number): boolean {
  try {
    return tracerOf(pid) === process.pid;
  } catch {
    return false;
  }
}
