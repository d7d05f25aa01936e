/** `sonde run FILE --params`: the parameters that a script declares. */
import { padEnd } from "../output/columns.ts";
import type { ScriptSource } from "../session/script/source.ts";
import { scriptParams } from "../session/start.ts";
import type { ParamValues } from "../session/vocabulary/params.ts";

export async function showParams(source: ScriptSource, params: ParamValues): Promise<number> {
  const declared = await scriptParams(source, params);
  if (declared.length === 0) {
    process.stdout.write("The script has no parameters.\n");
    return 0;
  }
  const heads = declared.map(({ name, type }) => `--${name}=${type === "boolean" ? "true|false" : `<${type}>`}`);
  const widest = Math.max(...heads.map((head) => head.length));
  for (const [i, { help, otherwise }] of declared.entries()) {
    process.stdout.write(`  ${padEnd(heads[i] ?? "", widest)}  ${help === undefined ? "" : `${help} `}(default: ${JSON.stringify(otherwise)})\n`);
  }
  return 0;
}
