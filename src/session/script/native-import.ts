/** Imports a module by Node itself, also where a test runner or a bundler has taken over `import()`. */
import { constants, runInThisContext } from "node:vm";

export type Importer = (url: string) => Promise<{ readonly [name: string]: unknown }>;

/** Built at run time, so that no tool that rewrites sources sees the call. */
let direct = new Function("url", "return import(url)") as Importer;

/** For code that was loaded by `vm` and so has no loader: what a module that Node has loaded imports with. */
export function importThrough(importer: Importer): void {
  direct = importer;
}

/**
 * A host that evaluates modules through `vm` (vitest does) gives code made at run time no loader;
 * there the main loader is asked for by name.
 */
function mainLoader(): Importer {
  const options = { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
  return runInThisContext("(url) => import(url)", options as never) as Importer;
}

export async function nativeImport(url: string): ReturnType<Importer> {
  try {
    return await direct(url);
  } catch (error) {
    const code = (error as { code?: string }).code;
    const noLoader =
      code === "ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING" ||
      (error instanceof TypeError && error.message.startsWith("A dynamic import callback was not specified"));
    if (!noLoader) throw error;
    return await mainLoader()(url);
  }
}
