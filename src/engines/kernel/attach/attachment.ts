/** What the ways to attach have in common: what is to be hooked, for whom, and what comes of it. */
import type { ProgramImage } from "../../../compiler/image.ts";
import { SondeError } from "../../../errors/error.ts";
import type { Site } from "../../../symbols/site.ts";
import { closeLinks } from "../../../sys/descriptor.ts";

/** One program at the sites of one file. */
export interface Hook {
  readonly probe: number;
  readonly runs: ProgramImage["runs"];
  /** Descriptor of the loaded program. */
  readonly program: number;
  readonly path: string;
  readonly sites: readonly Site[];
  readonly cookies: readonly number[];
}

/**
 * Where in the file the kernel finds what it counts up in each process that is probed at the site: a static probe's semaphore.
 * 0: nothing. Throws SONDE_USDT_SEMAPHORE.
 */
export function counterOf({ usdt, name, display }: Site): number {
  if (usdt?.semaphore === undefined) return 0;
  if (usdt.semaphore.offset !== undefined) return usdt.semaphore.offset;
  throw new SondeError("SONDE_USDT_SEMAPHORE", `the semaphore of ${name} in ${display} isn't in the file`, {
    where: `${display}:${name}`,
    why: "it is in memory that begins with zeros (.bss), and the kernel counts up what has a place in the file; without it the probe never fires",
    mend: "Use the engine breakpoint (--engine breakpoint), which counts it up in the process's memory.",
  });
}

/** Whose hits reach the kernel's hook at all. */
export type Scope =
  | { readonly kind: "all" }
  /** One process, all its threads, none of its children. */
  | { readonly kind: "process"; readonly pid: number }
  /** One process, its threads, and whatever they fork from now on. */
  | { readonly kind: "family"; readonly pid: number };

/** Sites armed. */
export class Attachment {
  readonly hook: Hook;
  readonly scope: Scope;
  /** Links and events: what keeps the sites armed. */
  readonly #fds: readonly number[];
  readonly #after: () => void;
  #open = true;

  /** `after` is done when the descriptors are closed. */
  constructor(hook: Hook, scope: Scope, fds: readonly number[], after: () => void = () => {}) {
    this.hook = hook;
    this.scope = scope;
    this.#fds = fds;
    this.#after = after;
  }

  get open(): boolean {
    return this.#open;
  }

  /** When it returns, no program runs at their sites any more. Those that were closed before are passed over. */
  static close(attachments: readonly Attachment[]): void {
    const open = attachments.filter((attachment) => attachment.#open);
    for (const attachment of open) attachment.#open = false;
    closeLinks(open.flatMap((attachment) => attachment.#fds));
    for (const attachment of open) attachment.#after();
  }
}

/** Arms all of a hook's sites, or throws a SondeError that names the one that failed. */
export type Attach = (hook: Hook, scope: Scope) => Attachment;
