/** sonde/testing: runs a probe's handlers on made-up hits, in the interpreter, without rights and without a target. */
import type { SimulateOptions, Simulation } from "./session/simulation/simulate.ts";

export type { SimulateOptions, Simulation } from "./session/simulation/simulate.ts";

/** What it takes is loaded now. */
export async function simulate(script: string | { readonly href: string }, options: SimulateOptions = {}): Promise<Simulation> {
  const simulation = await import("./session/simulation/simulate.ts");
  return await simulation.simulate(script, options);
}
