// Changes calls on their way: 5 becomes 7 as an argument, 30 becomes 31 as a result, and 99 isn't called at all.
import { intercept, param, u64, variable } from "sonde";

const at = param("at", "", "the target");
export const seen = variable(u64, 0);
let calls = 0;
intercept(at, {
  enter: (c) => {
    seen.set(++calls);
    if (c.arg0 === 5n) c.arg0 = 7n;
    if (c.arg0 === 99n) c.skip(-1);
    return c.arg0;
  },
  leave: (c, argument) => {
    if (argument === 30n) c.ret = 31n;
  },
});
