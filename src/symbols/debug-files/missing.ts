/** Debug information that isn't there: what is missing, and where it could come from. */
import { SondeError } from "../../errors/error.ts";
import type { Rejected } from "./candidate.ts";
import { debuginfodSettings } from "./debuginfod/settings.ts";
import { debugArchive, distributionOf, installCommand, serverOf } from "./distribution.ts";
import type { Environment, Place } from "./where.ts";

export interface MissingDebugInfo {
  /** The program's file, for people. */
  readonly display: string;
  readonly place: Place;
  /** What is asked for by: the program's build-id, or the supplementary file's. In hexadecimal. */
  readonly buildId: string | undefined;
  /** The debug information is there, and parts of it are in this file, which isn't. */
  readonly supplementary: { readonly name: string; readonly of: string } | undefined;
  /** Files that were there and aren't taken. */
  readonly rejected: readonly Rejected[];
  readonly environment: Environment;
}

/** SONDE_DEBUG_INFO_MISSING; `failures` of the download, if one was tried. Reads lists of packages: not for what is only noted. */
export function missingError(missing: MissingDebugInfo, failures: readonly string[] = []): SondeError {
  const { display, supplementary, place, buildId } = missing;
  const what =
    supplementary === undefined
      ? `there is no debug information of ${display}`
      : `debug information of ${display} is incomplete: ${supplementary.name}, which it shares with other programs, isn't there`;
  return new SondeError("SONDE_DEBUG_INFO_MISSING", what, { where: display, why: whyOf(missing, failures), mend: mendOf(place, buildId, missing) });
}

/** SONDE_DEBUG_INFO_MISSING for functions that debug information, which is there, says nothing of. `split`: what of it is in other files, and isn't found. */
export function undescribedError(display: string, names: readonly string[], split: readonly Rejected[]): SondeError {
  const what = `the debug information of ${display} doesn't describe ${names.slice(0, 3).join(", ")}`;
  if (split.length > 0) {
    const parts = split.slice(0, 3).map(({ path, why }) => `${path}: ${why}`);
    return new SondeError("SONDE_DEBUG_INFO_MISSING", what, {
      where: display,
      why: `it is split, and not all files that have the rest are here: ${parts.join("; ")}${split.length > 3 ? "; …" : ""}`,
      mend: "Put the .dwo files of this very build where they were compiled, or beside the program, or all of them in one by dwp.",
    });
  }
  return new SondeError("SONDE_DEBUG_INFO_MISSING", what, {
    where: display,
    why: "it is of other parts of the program: what was linked in may have been built without",
    mend: "Name functions of the program's own, or build those with -g too.",
  });
}

function whyOf({ supplementary, rejected, buildId, environment }: MissingDebugInfo, failures: readonly string[]): string {
  const { servers, refused } = debuginfodSettings(environment);
  const parts = rejected.map(({ path, why }) => `${path}: ${why}`);
  if (supplementary !== undefined) parts.push(`${supplementary.of} refers to it`);
  else if (rejected.length === 0) parts.push("it was built without, or stripped, and no file beside it or below /usr/lib/debug has it");
  if (failures.length > 0) parts.push(...failures);
  else if (servers.length > 0 && buildId !== undefined) parts.push("none of the servers of DEBUGINFOD_URLS has it");
  if (refused.length > 0) parts.push("servers behind ima:enforcing in DEBUGINFOD_URLS aren't asked: sonde can't verify their signatures");
  return parts.join("; ");
}

function mendOf(place: Place, buildId: string | undefined, { supplementary, environment, rejected }: MissingDebugInfo): string {
  const distribution = distributionOf(place.root);
  const command = installCommand(distribution, place);
  const server = serverOf(distribution);
  const ways: string[] = [];
  if (command !== undefined) {
    const archive = debugArchive(distribution, command);
    const where = [...(archive === undefined ? [] : [`from ${archive}`]), ...(place.root === "" ? [] : ["in the container"])];
    ways.push(`install it: ${command}${where.length > 0 ? ` (${where.join(", ")})` : ""}`);
  }
  const asked = debuginfodSettings(environment).servers;
  if (buildId !== undefined && !asked.includes(server)) ways.push(`have it downloaded: DEBUGINFOD_URLS=${server} (build-id ${buildId})`);
  if (command === undefined && supplementary === undefined) {
    ways.push(
      rejected.length > 0
        ? "if the program is your own, take the debug information of this very build, or build it again with -g"
        : "if the program is your own, build it with -g and don't strip it",
    );
  }
  const [first = "", ...others] = ways;
  return `${[first.charAt(0).toUpperCase() + first.slice(1), ...others].join("; or ")}.`;
}
