/** A behaviour's tests, for every engine that claims it; each engine gets the same ones. */
import { describe } from "vitest";
import { type Behaviour, claims, type EngineUnderTest, enginesUnderTest, title } from "../claims.ts";

/** `describe` for each engine that claims the behaviour. The exempt ones stand in docs/conformance.md with their reason. */
export function behaviour(number: Behaviour, tests: (engine: EngineUnderTest) => void): void {
  const claiming = enginesUnderTest.filter((engine) => claims[engine]?.exempt[number] === undefined);
  describe.each(claiming)(`%s: ${title(number)}`, tests);
}
