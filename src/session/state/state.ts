/**
 * What a script makes and a handler captures: aggregates, maps, variables, event streams. On the host, each reads its
 * contents from wherever they are now: plain memory before the session is armed, the engine's memory while it
 * runs, and a copy after it is closed.
 */

import type { SessionImage, StatePlace } from "../../compiler/image.ts";
import type { Armed } from "../../engines/engine.ts";
import { SondeError } from "../../errors/error.ts";
import type { View } from "../../output/view.ts";
import type { StateSpec } from "../../schema/types.ts";
import type { Scope } from "../scope.ts";

/** Where a state's contents are while armed. */
export interface Placement {
  readonly armed: Armed;
  readonly image: SessionImage;
  readonly place: StatePlace;
}

export abstract class State {
  /** Which session's script made it. Not enumerable, as all below: a state printed in a debugger shows its contents only. */
  readonly #scope: Scope;
  abstract readonly spec: StateSpec;

  constructor(scope: Scope) {
    this.#scope = scope;
  }
  static scopeOf(state: State): Scope {
    return state.#scope;
  }
  /** What the engine made: read there from now on. */
  abstract attach(placement: Placement): void;
  /** The engine's memory goes: keep a copy. */
  abstract detach(): void;
  /** What is to be shown of it; undefined for streams. */
  abstract view(name: string): View | undefined;
  abstract clear(): void;
}

/** A handler's method called on the host: says so, and what the host has instead. */
export function handlerOnly(method: string, instead: string): never {
  throw new SondeError("SONDE_HANDLER_METHOD", `${method} is for handlers; here is the host's side of the script`, { mend: instead });
}
