/** TypeScript's own diagnostics: all of them in handlers and what they reach, and those of the host's part that concern the vocabulary. */
import type { ScriptBuild } from "./build.ts";
import type { Registered } from "./registrations.ts";
import { type TS, ts } from "./typescript.ts";

export function typeDiagnostics(script: ScriptBuild, program: TS.Program, registered: readonly Registered[]): void {
  for (const file of script.files) {
    for (const diagnostic of program.getSemanticDiagnostics(file)) {
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
      const { start, end } = { start: diagnostic.start!, end: diagnostic.start! + diagnostic.length! };
      const inside = [...script.reached, ...registered.map((each) => each.handler)].some((node) => node.getSourceFile() === file && node.getStart() <= start && end <= node.end);
      if (inside) script.report({ code: `TS${diagnostic.code}`, severity: "error", file: script.place(file).file, start, end, message });
    }
  }
}
