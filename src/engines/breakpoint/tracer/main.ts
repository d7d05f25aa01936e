/**
 * The tracer's program: descriptor 3 is the socket to the session, 4 the memory that both map. It arms what the first
 * message says, and ends when the socket does, or when it was asked to let everything go.
 */
import { SondeError } from "../../../errors/error.ts";
import { leaveMarker, removeMarker } from "../area/markers.ts";
import { ownIdentity } from "../area/owner.ts";
import type { FromTracer, ToTracer } from "../protocol.ts";
import { Decoder, encode } from "../wire.ts";
import { Channel } from "./channel.ts";
import { recoverAll } from "./recover.ts";
import { TracingSession } from "./tracing-session.ts";

const CONTROL = 3;
const MEMORY = 4;

// Only the session, or its end, ends the tracer: whoever stops it otherwise would leave breakpoints behind.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE"] as const) process.on(signal, () => {});

if (process.argv.includes("--recover")) {
  recoverAll();
  removeMarker(ownIdentity());
  process.exit(0);
}
leaveMarker(ownIdentity());
const channel = new Channel<ToTracer, FromTracer>(CONTROL, new Decoder<ToTracer>(), encode);
const first = channel.next();
if (first !== undefined) {
  if (first.kind !== "arm") throw new Error(`the first message is ${first.kind}`);
  let session: TracingSession | undefined;
  try {
    // What unwinds is large, and only loaded for sessions that capture stacks.
    const stacks = first.image.stacks === undefined ? undefined : new (await import("./stacks.ts")).Stacks();
    session = new TracingSession(first, channel, MEMORY, stacks);
    session.arm();
    session.run();
  } catch (error) {
    try {
      session?.abandon();
    } finally {
      removeMarker(ownIdentity());
    }
    if (!(error instanceof SondeError)) throw error;
    const { code, message, where, why, mend, exit } = error;
    channel.send({
      kind: "failed",
      error: { code, message, exit, ...(where === undefined ? {} : { where }), ...(why === undefined ? {} : { why }), ...(mend === undefined ? {} : { mend }) },
    });
  }
}
removeMarker(ownIdentity());
process.exit(0);
