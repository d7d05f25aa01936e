// Packets that the kernel throws away, why, and in which of its functions.
//   sonde run tools/tcpdrop.probe.ts --for 10s
// Reasons are numbers of the running kernel (enum skb_drop_reason); 0 to 2 are no drops.
import { count, hash, param, stack, tracepoint, u32 } from "sonde";

const stacks = param("stacks", true, "also by the kernel's stack");
const NOT_SPECIFIED = 2;
export const byReason = hash(u32, count());
export const byStack = hash([u32, stack], count());

tracepoint("skb:kfree_skb", (c) => {
  if (c.args.reason <= NOT_SPECIFIED) return;
  byReason.at(c.args.reason).add();
  if (stacks) byStack.at([c.args.reason, c.kstack(8)]).add();
});
