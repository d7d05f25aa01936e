/**
 * Gets debug information from debuginfod servers into the cache: GET SERVER/buildid/BUILD-ID/debuginfo. All servers are
 * asked at once, and the first that has it gives it. A file is put in its place when it is whole and has been checked.
 *
 * It is asynchronous, so that the process goes on meanwhile: ^C is heard, and a program that uses sonde as a library isn't
 * held up. What reads debug information is synchronous, and finds in the cache what was downloaded before.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fchmodSync, futimesSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { cached, clean, fileInCache, folderFor, isKnownMissing, rememberMissing } from "./cache.ts";
import { type Answer, ask, type ServerAnswer } from "./server.ts";
import type { DebuginfodSettings } from "./settings.ts";

export interface DownloadOptions {
  /** Ends the download, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called as bytes come in; `total` where the server says how many there are. */
  readonly progress?: ((got: number, total: number | undefined, server: string) => void) | undefined;
}

export type Download =
  | { readonly kind: "got"; readonly path: string }
  /** No server has it. */
  | { readonly kind: "absent" }
  /** What was answered, "SERVER: …" each. */
  | { readonly kind: "failed"; readonly reasons: readonly string[] };

/** More than the debug information of the largest programs. */
const MOST = 2 ** 33;

/** `accept` says why a file that came isn't what was asked for. Rejects with nothing but the signal's reason. */
export async function download(
  settings: DebuginfodSettings,
  buildId: string,
  accept: (path: string) => string | undefined,
  options: DownloadOptions = {},
): Promise<Download> {
  options.signal?.throwIfAborted();
  const there = cached(settings.cache, buildId);
  if (there !== undefined) return { kind: "got", path: there };
  if (settings.servers.length === 0 || !/^[0-9a-f]{4,128}$/.test(buildId)) return { kind: "absent" };
  if (isKnownMissing(settings.cache, buildId)) return { kind: "absent" };
  const limits = [...(options.signal === undefined ? [] : [options.signal]), ...(settings.longest > 0 ? [AbortSignal.timeout(settings.longest)] : [])];
  const signal = limits.length === 0 ? undefined : AbortSignal.any(limits);
  try {
    folderFor(settings.cache, buildId);
    clean(settings.cache);
    return await fromAny({ settings, buildId, accept, signal, progress: options.progress });
  } catch (error) {
    options.signal?.throwIfAborted();
    const why = signal?.aborted ? `it took longer than DEBUGINFOD_MAXTIME, ${settings.longest / 1000} s` : `${settings.cache}: ${words(error)}`;
    return { kind: "failed", reasons: [why] };
  }
}

interface Request {
  readonly settings: DebuginfodSettings;
  readonly buildId: string;
  readonly accept: (path: string) => string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly progress: DownloadOptions["progress"];
}

/** A server that gave something else isn't asked again; one that broke off is. */
async function fromAny(request: Request): Promise<Download> {
  const { settings, buildId } = request;
  const reasons: string[] = [];
  let servers = settings.servers;
  for (let retries = settings.retries; servers.length > 0; ) {
    const asked = servers.map((server) => ask(server, buildId, settings, request.signal));
    const given = await firstGiven(asked.map(({ answer }) => answer));
    if (given === undefined) {
      const answers = (await Promise.all(asked.map(({ answer }) => answer))) as readonly Exclude<ServerAnswer, Answer>[];
      reasons.push(...answers.flatMap((answer) => (answer.kind === "failed" ? [`${answer.server}: ${answer.why}`] : [])));
      break;
    }
    for (const other of asked) if (other.server !== given.server) other.stop();
    const kept = await keep(given, request);
    request.signal?.throwIfAborted();
    if ("path" in kept) return { kind: "got", path: kept.path };
    if (kept.again && retries > 0) retries--;
    else {
      servers = servers.filter((server) => server !== given.server);
      reasons.push(`${given.server}: ${kept.why}`);
    }
  }
  request.signal?.throwIfAborted();
  if (reasons.length > 0) return { kind: "failed", reasons };
  rememberMissing(settings.cache, buildId);
  return { kind: "absent" };
}

function firstGiven(answers: readonly Promise<ServerAnswer>[]): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    let left = answers.length;
    for (const promise of answers) {
      void promise.then((answer) => {
        left--;
        if (answer.kind === "given") resolve(answer);
        else if (left === 0) resolve(undefined);
      });
    }
  });
}

type Kept = { readonly path: string } | { readonly why: string /** It may go better the next time. */; readonly again: boolean };

/** Beside its place first. Throws Node's errors of the cache. */
async function keep(answer: Answer, { settings, buildId, accept, progress }: Request): Promise<Kept> {
  const path = fileInCache(settings.cache, buildId);
  // As mkstemp names it, so that what a killed download leaves is known by its name.
  const temporary = `${path}.${randomBytes(3).toString("hex")}`;
  const file = openSync(temporary, "wx", 0o600);
  let renamed = false;
  try {
    const most = Math.min(MOST, settings.most ?? MOST);
    let got = 0;
    try {
      for await (const chunk of answer.chunks) {
        got += chunk.length;
        if (got > most) return { why: `it is larger than ${most} bytes`, again: false };
        for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
        progress?.(got, answer.size, answer.server);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === "write") throw error;
      return { why: answer.expired() ?? `it broke off after ${got} bytes: ${words(error)}`, again: answer.expired() === undefined };
    }
    if (answer.size !== undefined && got !== answer.size) return { why: `it gave ${got} of ${answer.size} bytes`, again: true };
    const refused = accept(temporary);
    if (refused !== undefined) return { why: `it gave something else: ${refused}`, again: false };
    if (answer.modified !== undefined) futimesSync(file, new Date(), answer.modified);
    fchmodSync(file, 0o400);
    renameSync(temporary, path);
    renamed = true;
    return { path };
  } finally {
    answer.stop();
    closeSync(file);
    if (!renamed) rmSync(temporary, { force: true });
  }
}

/** Node's fetch says why in the cause. */
function words(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? message) : message;
}
