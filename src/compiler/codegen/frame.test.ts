/** Who gets the 512 bytes of the frame. */
import { expect, test } from "vitest";
import { Builder } from "../mir/builder.ts";
import { FRAME_BYTES, placeObjects } from "./frame.ts";

function withObjects(sizes: readonly number[], scratch: boolean): Builder {
  const b = new Builder();
  for (const size of sizes) b.object(size);
  if (scratch) b.fn.scratch = b.variable();
  return b;
}

test("objects don't overlap, and lie on 8 bytes", () => {
  const { objects, objectBytes } = placeObjects(withObjects([3, 8, 20], false).fn, 0);
  expect(objects).toEqual([
    { in: "frame", offset: -8 },
    { in: "frame", offset: -16 },
    { in: "frame", offset: -40 },
  ]);
  expect(objectBytes).toBe(40);
});

test("with a scratch slot large objects are in it", () => {
  expect(placeObjects(withObjects([16, 64, 100], true).fn, 0)).toMatchObject({
    objects: [{ in: "frame" }, { in: "scratch", offset: 0 }, { in: "scratch", offset: 64 }],
    scratchBytes: 168,
  });
});

test("spilled registers come first: small objects that don't fit beside them are in the scratch slot", () => {
  const sizes = Array.from({ length: 20 }, () => 16);
  const { objectBytes, scratchBytes } = placeObjects(withObjects(sizes, true).fn, 40);
  expect(objectBytes + 40 * 8).toBeLessThanOrEqual(FRAME_BYTES);
  expect(objectBytes + scratchBytes).toBe(320);
});
