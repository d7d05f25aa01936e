// Counts static probes by name, in two handlers. `-- at="TARGET …"`
import { count, func, hash, param, usdt } from "sonde";

const at = param("at", "", "targets, with blanks between them");
export const hits = count();
export const byName = hash(func, count());
usdt(at.split(" "), (c) => byName.at(c.func).add());
usdt(at.split(" "), () => hits.add());
