/** What the ways to attach have in common: what is to be hooked, for whom, and what comes of it. */
import type { ProgramImage } from "../../../compiler/image.ts";
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
