// A probe that removes itself at its first hit, or is removed at a hit of the second target; `removed` is heard when it is out.
import { count, end, events, param, u32, u64, uprobe, variable } from "sonde";

const at = param("at", "", "the target, and the one that goes on");
const own = param("own", true, "it removes itself");
const [site = "", other = ""] = at.split(" ");
export const hits = count();
export const others = count();
export const removed = events({ by: u32 });
export const late = variable(u64, 0);
export const stop = variable(u32, 0);
const probe = uprobe(site, () => {
  hits.add();
  if (own) {
    probe.detach();
    removed.emit({ by: 1 });
  }
});
uprobe(other, () => {
  others.add();
  if (!own && stop.get() === 1) {
    stop.set(2);
    probe.detach();
    removed.emit({ by: 2 });
  }
});
// Everything is disarmed now: not a hit more may come.
end(async () => {
  const before = others.read() + hits.read();
  await new Promise((next) => setTimeout(next, 50));
  late.set(others.read() + hits.read() - before);
});
