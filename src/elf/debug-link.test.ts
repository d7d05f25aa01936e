/** Links to supplementary files, as dwz writes them and as nobody does. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeError } from "../errors/error.ts";
import { supplementaryChecksum, supplementaryLink } from "./debug-link.ts";
import type { ElfImage } from "./image.ts";
import { memorySource } from "./source.ts";

const withSection = (name: string, content: Uint8Array, claims = content.length): ElfImage => ({
  source: memorySource(content, "a.out"),
  type: "shared",
  entry: 0,
  segments: [],
  sections: [{ index: 1, name, type: 1, flags: 0, address: 0, offset: 0, size: claims, link: 0, info: 0, entrySize: 0 }],
});
const ID = Buffer.from("1210f647cb3200c41ed83628ce72984145616b95", "hex");
const text = (content: string) => Buffer.from(`${content}\0`);

describe("the link to a supplementary file", () => {
  test("is a name and a build-id", () =>
    expect(supplementaryLink(withSection(".gnu_debugaltlink", Buffer.concat([text("../.dwz/a.debug"), ID])))).toEqual({
      name: "../.dwz/a.debug",
      id: ID.toString("hex"),
    }));
  test("is a name and a checksum in DWARF 5", () => {
    const image = withSection(".debug_sup", Buffer.concat([Buffer.from([5, 0, 0]), text("a.debug"), Buffer.from([20]), ID]));
    expect(supplementaryLink(image)).toEqual({ name: "a.debug", id: ID.toString("hex") });
    expect(supplementaryChecksum(image)).toBeUndefined();
  });
  test("isn't what a supplementary file says of itself", () => {
    const image = withSection(".debug_sup", Buffer.concat([Buffer.from([5, 0, 1, 0, 20]), ID]));
    expect(supplementaryLink(image)).toBeUndefined();
    expect(supplementaryChecksum(image)).toBe(ID.toString("hex"));
  });
  test("isn't there without a name, without an id, or in a section that is far too large", () => {
    expect(supplementaryLink(withSection(".gnu_debugaltlink", text("a.debug")))).toBeUndefined();
    expect(supplementaryLink(withSection(".gnu_debugaltlink", Buffer.concat([text(""), ID])))).toBeUndefined();
    expect(supplementaryLink(withSection(".gnu_debugaltlink", Buffer.concat([text("a"), ID]), 2 ** 40))).toBeUndefined();
    expect(supplementaryLink(withSection(".text", ID))).toBeUndefined();
  });
  test("is read or not, whatever the section holds", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(".gnu_debugaltlink", ".debug_sup"), fc.nat(100), fc.boolean(), (bytes, name, more, sup) => {
        if (sup) bytes.set([5, 0, 0].slice(0, bytes.length));
        try {
          const image = withSection(name, bytes, bytes.length + (more > 90 ? more : 0));
          const { id = "" } = supplementaryLink(image) ?? {};
          return /^([0-9a-f]{2})*$/.test(id) && (supplementaryChecksum(image)?.length ?? 0) <= 254;
        } catch (error) {
          return error instanceof SondeError;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
