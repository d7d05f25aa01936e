// Which CPUs are at work: is the load spread, or does one of them do it all?
//   sonde run tools/cpuwalk.probe.ts --for 10s
// Samples of CPUs that are busy; an idle one counts nothing.
import { count, hash, profile, u32 } from "sonde";

export const samples = hash(u32, count());

profile("99hz", (c) => {
  if (c.pid !== 0) samples.at(c.cpu).add();
});
