/** What several functions of a probe are known to have in common. */
import { describe, expect, test } from "vitest";
import { commonSignature } from "./signatures.ts";

const of = (...targets: string[]) =>
  commonSignature({ targets, sites: targets.map((target) => ({ name: target.slice(target.indexOf(":") + 1), aliases: [] })), from: targets.map((_, i) => i) });
const named = (...targets: string[]) => of(...targets)?.params.map(({ name }) => name);

describe("the parameters that functions share", () => {
  test("are all of them, where they are the same", () => expect(named("libssl:SSL_read", "libssl:SSL_write")).toEqual(["ssl", "buf", "num"]));
  test("are those of one name at one place; another's place stays taken", () => expect(named("libc:realloc", "libc:aligned_alloc")).toEqual(["", "size"]));
  test("have the same type", () => expect(named("libssl:SSL_read", "libssl:SSL_read_ex")).toEqual(["ssl", "buf", ""]));
  test("are unknown where one function is unknown", () => expect(named("libc:malloc", "libc:no_such_function")).toBeUndefined());
});
test("the result is an untyped register where it differs", () => {
  expect(of("libssl:SSL_read", "libssl:SSL_write")?.ret).toEqual({ k: "int", name: "i32" });
  expect(of("libc:malloc", "libc:getaddrinfo")?.ret).toEqual({ k: "int", name: "i64" });
});
