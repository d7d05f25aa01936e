/**
 * The arming process's program: descriptor 3 is the socket to the session. All its calls of ptrace come from its one thread. When
 * the socket ends it takes out what is armed, and ends. With --recover it puts back what others have left that were killed.
 */
import { SondeError } from "../../../errors/error.ts";
import { leaveMarker, removeMarker } from "../../breakpoint/area/markers.ts";
import { ownIdentity } from "../../breakpoint/area/owner.ts";
import { Channel } from "../../breakpoint/tracer/channel.ts";
import { nap } from "../../breakpoint/tracer/halt.ts";
import { Decoder, encode } from "../../breakpoint/wire.ts";
import { Armer } from "./armer.ts";
import type { FromArmer, ToArmer } from "./protocol.ts";
import { MARKERS, recoverAll } from "./restore.ts";
import { letLaggingGo } from "./stop.ts";

const CONTROL = 3;
/** Between looks at threads that are still to be let go, ms. */
const LOOK_MS = 1;

// Only the session, or its end, ends it: whoever stops it otherwise would leave jumps behind.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE"] as const) process.on(signal, () => {});

if (process.argv.includes("--recover")) {
  recoverAll();
  process.exit(0);
}
leaveMarker(ownIdentity(), MARKERS);
const channel = new Channel<ToArmer, FromArmer>(CONTROL, new Decoder<ToArmer>(), encode);
const armer = new Armer();

function answer(message: ToArmer): FromArmer {
  const { request, pid } = message;
  try {
    switch (message.kind) {
      case "prepare":
        return { kind: "prepared", request, ...armer.prepare(pid, message.sites, message.dataBytes) };
      case "commit":
        return { kind: "armed", request, ...armer.commit(pid, message.copies) };
      case "disarm":
        return { kind: "disarmed", request, ...armer.disarm(pid) };
    }
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
    const { code, message: text, where, why, mend, exit } = error;
    const parts = { ...(where === undefined ? {} : { where }), ...(why === undefined ? {} : { why }), ...(mend === undefined ? {} : { mend }) };
    return { kind: "failed", request, error: { code, message: text, exit, ...parts } };
  }
}

while (!channel.ended) {
  if (letLaggingGo(armer.lagging)) {
    const message = channel.next();
    if (message !== undefined) channel.send(answer(message));
  } else {
    for (const message of channel.take()) channel.send(answer(message));
    nap(LOOK_MS);
  }
}
armer.disarmAll();
for (let looks = 0; !letLaggingGo(armer.lagging) && looks < 1000; looks++) nap(LOOK_MS);
removeMarker(ownIdentity(), MARKERS);
process.exit(0);
