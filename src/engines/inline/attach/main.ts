/**
 * The arming process's program: descriptor 3 is the socket to the session, 4 the memory that it shares with its targets. All its calls of ptrace come from its one thread. When
 * the socket ends it takes out what is armed, and ends. With --recover it puts back what others have left that were killed.
 */
import { SondeError } from "../../../errors/error.ts";
import { leaveMarker, removeMarker } from "../../breakpoint/area/markers.ts";
import { ownIdentity } from "../../breakpoint/area/owner.ts";
import { Channel } from "../../breakpoint/tracer/channel.ts";
import { nap } from "../../breakpoint/tracer/halt.ts";
import { Decoder, encode } from "../../breakpoint/wire.ts";
import { Armer } from "./armer.ts";
import { Follower } from "./entry.ts";
import type { FromArmer, ToArmer } from "./protocol.ts";
import { MARKERS, recoverAll } from "./restore.ts";
import { letLaggingGo } from "./stop.ts";

const CONTROL = 3;
const SHARED = 4;
/** Between looks at threads that are still to be let go, ms. */
const LOOK_MS = 1;
/** The same while a command starts. */
const START_LOOK_MS = 0.1;

// Only the session, or its end, ends it: whoever stops it otherwise would leave jumps behind.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE"] as const) process.on(signal, () => {});

if (process.argv.includes("--recover")) {
  recoverAll();
  process.exit(0);
}
leaveMarker(ownIdentity(), MARKERS);
const channel = new Channel<ToArmer, FromArmer>(CONTROL, new Decoder<ToArmer>(), encode);
const armer = new Armer({ fd: SHARED, bytes: Number(process.argv[2]) });
const { tracees } = armer;
const followers = new Map<number, Follower>();

function answer(message: ToArmer): FromArmer {
  const { request, pid } = message;
  try {
    switch (message.kind) {
      case "prepare":
        return { kind: "prepared", request, ...armer.prepare(message) };
      case "commit":
        return { kind: "armed", request, ...armer.commit(message) };
      case "disarm":
        return { kind: "disarmed", request, ...armer.disarm(pid, message.set) };
      case "enable":
        armer.enable(pid, message.set);
        return { kind: "enabled", request };
      case "follow":
        followers.set(pid, new Follower(pid));
        return { kind: "following", request };
      case "resume":
        tracees.entered.delete(pid);
        followers.get(pid)?.resume(message.again);
        if (!message.again) followers.delete(pid);
        return { kind: "resumed", request };
    }
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
    const { code, message: text, where, why, mend, exit } = error;
    const parts = { ...(where === undefined ? {} : { where }), ...(why === undefined ? {} : { why }), ...(mend === undefined ? {} : { mend }) };
    return { kind: "failed", request, error: { code, message: text, exit, ...parts } };
  }
}

/** True: nobody is awaited who starts. */
function lookAtFollowers(): boolean {
  let awaited = false;
  for (const [pid, follower] of followers) {
    if (follower.state === "entered") continue;
    if (!follower.look()) awaited = true;
    else {
      const ended = follower.state === "ended";
      if (ended) followers.delete(pid);
      else tracees.entered.add(pid);
      channel.send({ kind: "entered", request: 0, pid, ended });
    }
  }
  return !awaited;
}

while (!channel.ended) {
  const idle = letLaggingGo(tracees.lagging);
  if (lookAtFollowers() && idle) {
    const message = channel.next();
    if (message !== undefined) channel.send(answer(message));
  } else {
    for (const message of channel.take()) channel.send(answer(message));
    nap(followers.size > 0 ? START_LOOK_MS : LOOK_MS);
  }
}
armer.disarmAll();
for (let looks = 0; !letLaggingGo(tracees.lagging) && looks < 1000; looks++) nap(LOOK_MS);
removeMarker(ownIdentity(), MARKERS);
process.exit(0);
