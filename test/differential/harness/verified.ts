/** What the compiler makes passes the checks that machine code without guards relies on. */
import { Refused, type Verified } from "../../../src/bpf/verify/facts.ts";
import { verify } from "../../../src/bpf/verify/verify.ts";
import type { SessionImage } from "../../../src/compiler/image.ts";
import type { Target } from "../../../src/compiler/target.ts";

const CONTEXT_BYTES = 168;
const EXTENDED_BYTES = 440;

/** `budget`: of what takes more steps nothing is found out. */
export function verified(image: SessionImage, target: Target, budget?: number): readonly (Verified | undefined)[] {
  return image.programs.flatMap(({ name, runs, instructions }) =>
    (runs === "session" ? [undefined, false, true] : [undefined]).map((isReturn) => {
      try {
        return verify(instructions, {
          maps: image.maps,
          contextBytes: target.extendedContext ? EXTENDED_BYTES : CONTEXT_BYTES,
          writesContext: target.writesRegisters,
          ...(budget === undefined ? {} : { budget }),
          ...(isReturn === undefined ? {} : { isReturn }),
        });
      } catch (error) {
        // Texts of thousands of bytes are walked byte for byte.
        const mayBeLong = budget !== undefined || image.maps.some(({ valueSize }) => valueSize > 4096);
        if (error instanceof Refused && error.message.startsWith("it isn't found to end") && mayBeLong) return undefined;
        if (error instanceof Refused) throw new Error(`${name} at ${error.index}: ${error.message}`, { cause: error });
        throw error;
      }
    }),
  );
}
