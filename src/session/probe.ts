/** A registered probe, as the script holds it. */
import type { FunctionSite } from "../symbols/site.ts";
import type { InterceptHandlers } from "./intercept/host-calls.ts";
import type { Registration } from "./registration.ts";

/** What a probe needs of its session once that is armed. */
export interface ProbeActions {
  hits(): bigint;
  detach(): void;
}

export class RegisteredProbe {
  /** The targets as written, joined by ", ". */
  readonly target: string;
  /** How many places it has. */
  readonly sites: number;
  #actions: ProbeActions | undefined;
  /** Detached before it was armed: it never is. */
  #dropped = false;

  constructor(target: string, sites: number) {
    this.target = target;
    this.sites = sites;
  }
  hits(): bigint {
    return this.#actions?.hits() ?? 0n;
  }
  detach(): void {
    this.#dropped = true;
    this.#actions?.detach();
  }
  static armed(probe: RegisteredProbe, actions: ProbeActions): void {
    probe.#actions = actions;
    if (probe.#dropped) actions.detach();
  }
  /** Its session is closed: it knows how many hits there were, and no more of it. */
  static retire(probe: RegisteredProbe): void {
    const hits = probe.hits();
    probe.#actions = { hits: () => hits, detach: () => {} };
  }
}

/** A probe with the places that it is armed at. */
export interface ProbePlaces {
  readonly probe: RegisteredProbe;
  readonly targets: readonly string[];
  readonly sites: readonly FunctionSite[];
  /** The target that each site comes from: index into `targets`. */
  readonly from: readonly number[];
  readonly pids: readonly number[] | undefined;
}

/** A probe with a compiled handler; the session's own record. */
export interface ProbeEntry extends ProbePlaces {
  readonly registration: Registration;
}

/** One whose handlers are the script's host code. */
export interface InterceptEntry extends ProbePlaces {
  readonly handlers: InterceptHandlers;
  /** As the script wrote it, for messages: `intercept("libc:open")`. */
  readonly what: string;
}
