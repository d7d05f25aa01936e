/** A program of the tests' own, bundled so that a process of its own can run it from the sources. */
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { rolldown } from "rolldown";

/** Gives its path and how to remove it. It lies beside node_modules, so that it finds koffi. */
export async function built(name: string): Promise<{ readonly path: string; readonly remove: () => void }> {
  const path = join(import.meta.dirname, "..", "..", "..", "node_modules", `.sonde-${basename(name, ".ts")}-${process.pid}.mjs`);
  const build = await rolldown({ input: join(import.meta.dirname, name), platform: "node", external: ["koffi"] });
  await build.write({ file: path, format: "esm" });
  await build.close();
  return { path, remove: () => rmSync(path, { force: true }) };
}
