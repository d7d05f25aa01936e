/** What the environment says of debuginfod, as the tools of elfutils read it. Source: debuginfod-client-config(7). */
import { existsSync, readFileSync } from "node:fs";
import { homedir, machine, type } from "node:os";
import { join } from "node:path";
import type { Environment } from "../where.ts";

export interface DebuginfodSettings {
  /** None: nothing is ever asked of a network. */
  readonly servers: readonly string[];
  /** Servers of which signed answers are demanded, which sonde can't verify: they aren't asked. */
  readonly refused: readonly string[];
  readonly cache: string;
  /** A server that doesn't give 100 KiB within this time is given up; 0: never. In milliseconds. */
  readonly timeout: number;
  /** For one download in all; 0: no limit. In milliseconds. */
  readonly longest: number;
  /** In bytes; undefined: what is asked for may have any size that is read. */
  readonly most: number | undefined;
  /** How often a download that broke off is begun again. */
  readonly retries: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const SECOND = 1000;
const DEFAULT_TIMEOUT = 90;
const DEFAULT_RETRIES = 2;
/** A token in front of the servers that it is for. */
const SIGNATURES = /^ima:/;

export function debuginfodSettings(environment: Environment): DebuginfodSettings {
  const servers: string[] = [];
  const refused: string[] = [];
  let enforced = false;
  for (const word of (environment.DEBUGINFOD_URLS ?? "").split(/\s+/)) {
    if (SIGNATURES.test(word)) enforced = word === "ima:enforcing";
    else if (/^https?:\/\//i.test(word)) (enforced ? refused : servers).push(word.replace(/\/+$/, ""));
  }
  return {
    servers: [...new Set(servers)],
    refused,
    cache: cacheFolderOf(environment),
    timeout: Math.max(0, whole(environment.DEBUGINFOD_TIMEOUT) ?? DEFAULT_TIMEOUT) * SECOND,
    longest: Math.max(0, whole(environment.DEBUGINFOD_MAXTIME) ?? 0) * SECOND,
    most: positive(whole(environment.DEBUGINFOD_MAXSIZE)),
    retries: Math.min(10, Math.max(0, whole(environment.DEBUGINFOD_RETRY_LIMIT) ?? DEFAULT_RETRIES)),
    headers: [["User-Agent", `sonde,${type()}/${machine()}`], ...headersFrom(environment.DEBUGINFOD_HEADERS_FILE)],
  };
}

/** Shared with elfutils and gdb. */
export function cacheFolderOf({ DEBUGINFOD_CACHE_PATH, XDG_CACHE_HOME, HOME = homedir() }: Environment): string {
  if (DEBUGINFOD_CACHE_PATH) return DEBUGINFOD_CACHE_PATH;
  const old = join(HOME, ".debuginfod_client_cache");
  return existsSync(old) ? old : join(XDG_CACHE_HOME || join(HOME, ".cache"), "debuginfod_client");
}

/** As atoi reads it; undefined where there is nothing. */
function whole(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number.parseInt(text, 10);
  return Number.isSafeInteger(value) ? value : 0;
}

const positive = (value: number | undefined): number | undefined => (value !== undefined && value > 0 ? value : undefined);

/** A line each, "Name: value"; others are left out. */
function headersFrom(path: string | undefined): (readonly [string, string])[] {
  if (!path) return [];
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*([\t\x20-\x7e]*?)\s*$/.exec(line);
    return match === null ? [] : [[match[1]!, match[2]!] as const];
  });
}
