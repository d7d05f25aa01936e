/** All codes by area: the source of docs/errors.md and of `sonde explain CODE`. Tests hold it to the codes that the sources have. */
import { breakpoint, choice, inline, kernel } from "./engines.ts";
import type { RunEntries, ScriptEntries } from "./entry.ts";
import { registration } from "./registration.ts";
import { commands, scripts } from "./runs.ts";
import { syntax } from "./syntax.ts";
import { targets } from "./targets.ts";
import { typed } from "./typed.ts";
import { values } from "./values.ts";

export const SCRIPT_AREAS: readonly { readonly title: string; readonly entries: ScriptEntries }[] = [
  { title: "Handlers: registering, and names from outside", entries: registration },
  { title: "Handlers: values", entries: values },
  { title: "Handlers: the program's own types", entries: typed },
  { title: "Handlers: JavaScript that they don't have", entries: syntax },
];

export const RUN_AREAS: readonly { readonly title: string; readonly entries: RunEntries }[] = [
  { title: "Targets and files", entries: targets },
  { title: "The command line", entries: commands },
  { title: "Scripts that run", entries: scripts },
  { title: "Engines", entries: choice },
  { title: "The engine kernel", entries: kernel },
  { title: "The engine breakpoint", entries: breakpoint },
  { title: "The engine inline", entries: inline },
];
