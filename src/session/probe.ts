/** A registered probe, as the script holds it. */
import type { FunctionSite } from "../symbols/site.ts";
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
}

/** A probe with what it is armed from; the session's own record. */
export interface ProbeEntry {
  readonly probe: RegisteredProbe;
  readonly registration: Registration;
  readonly targets: readonly string[];
  readonly sites: readonly FunctionSite[];
  /** The target that each site comes from: index into `targets`. */
  readonly from: readonly number[];
  readonly pids: readonly number[] | undefined;
}
