/** What the ways to attach have in common: what is to be hooked, for whom, and what comes of it. */
import type { ProgramImage } from "../../../compiler/image.ts";
import type { Site } from "../../../symbols/site.ts";

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
export interface Attachment {
  readonly hook: Hook;
  readonly scope: Scope;
  /** False once it was closed. */
  readonly open: boolean;
  /** When it returns, no program runs at its sites any more. A second time it does nothing. */
  close(): void;
}

/** Arms all of a hook's sites, or throws a SondeError that names the one that failed. */
export type Attach = (hook: Hook, scope: Scope) => Attachment;

export function attachment(hook: Hook, scope: Scope, close: () => void): Attachment {
  let open = true;
  return {
    hook, scope,
    get open() { return open; },
    close() {
      if (!open) return;
      open = false;
      close();
    },
  };
}
