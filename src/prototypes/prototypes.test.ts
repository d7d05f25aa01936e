/** The shipped prototypes: each can be read, structures are laid out as the C compiler does, declarations are up to date. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { declarationsText } from "../output/declarations/declarations.ts";
import { functionNames, readSignature } from "./notation.ts";
import { libraryName, PROTOTYPE_TABLES, signatureOf } from "./prototypes.ts";
import { shippedDeclarations } from "./types.ts";

describe("shipped prototypes", () => {
  test("every prototype of every library can be read, with at most six parameters of different names", () => {
    for (const table of Object.values(PROTOTYPE_TABLES)) {
      const names = functionNames(table);
      expect(new Set(names).size).toBe(names.length);
      for (const name of names) {
        const signature = readSignature(table, name);
        if (signature === undefined) throw new Error(name);
        const parameters = signature.params.map((parameter) => parameter.name);
        expect(parameters.length, name).toBeLessThanOrEqual(6);
        expect(new Set(parameters).size, name).toBe(parameters.length);
      }
    }
  });

  test("malloc takes a size and gives a pointer to anything", () => {
    expect(signatureOf("libc", "malloc")).toEqual({
      params: [{ name: "size", type: { k: "int", name: "u64" } }],
      ret: { k: "pointer", to: undefined },
      structs: {},
    });
  });

  test("an unknown function, an unknown library, and a name that is only the tail of another have none", () => {
    expect(signatureOf("libc", "no_such_function")).toBeUndefined();
    expect(signatureOf("libc", "alloc")).toBeUndefined();
    expect(signatureOf("libc", "")).toBeUndefined();
    expect(signatureOf("constructor", "malloc")).toBeUndefined();
  });

  test("a library is known by its name, its file's name, its path, and by parts that glibc has merged", () => {
    for (const file of [
      "libc",
      "libc.so.6",
      "/usr/lib/x86_64-linux-gnu/libc.so.6",
      "libc-2.31.so",
      "/lib/libc.so.6 (deleted)",
      "libpthread.so.0",
      "/lib/ld-musl-x86_64.so.1",
    ]) {
      expect(libraryName(file), file).toBe("libc");
    }
    expect(libraryName("libssl.so.1.1")).toBe("libssl");
    expect(signatureOf("/usr/lib/libssl.so.3", "SSL_read")?.ret).toEqual({ k: "int", name: "i32" });
  });

  // Sizes and offsets as gcc gives them for x86-64 (sizeof, offsetof).
  test.each([
    ["stat", "statbuf", "stat", 144, ["st_size", 48]],
    ["getaddrinfo", "hints", "addrinfo", 48, ["ai_next", 40]],
    ["connect", "addr", "sockaddr_in", 16, ["sin_addr", 4]],
    ["epoll_wait", "events", "epoll_event", 12, ["data", 4]],
    ["sendmsg", "msg", "msghdr", 56, ["msg_flags", 48]],
    ["wait4", "usage", "rusage", 144, ["ru_nivcsw", 136]],
    ["mktime", "tm", "tm", 56, ["tm_zone", 48]],
    ["poll", "fds", "pollfd", 8, ["revents", 6]],
    ["timerfd_settime", "new_value", "itimerspec", 32, ["it_value", 16]],
  ] as const)("%s's %s points to a %s of %i bytes", (name, parameter, struct, size, [field, offset]) => {
    const signature = signatureOf("libc", name);
    expect(signature?.params.find((candidate) => candidate.name === parameter)?.type).toEqual({ k: "pointer", to: { k: "struct", name: struct } });
    expect(signature?.structs[struct]?.size).toBe(size);
    expect(signature?.structs[struct]?.fields.find((candidate) => candidate.name === field)?.offset).toBe(offset);
  });

  test("structures that a structure mentions are there too, itself included", () => {
    const structs = signatureOf("libc", "getaddrinfo")?.structs ?? {};
    expect(Object.keys(structs).sort()).toEqual(["addrinfo", "sockaddr"]);
    expect(signatureOf("libc", "readdir")?.structs.dirent?.size).toBe(280);
    expect(signatureOf("libz", "inflate")?.structs.z_stream?.size).toBe(112);
  });

  test("the declarations for editors are what the prototypes say", () => {
    for (const [library, table] of Object.entries(PROTOTYPE_TABLES)) {
      expect(readFileSync(new URL(`../../lib/types/${library}.d.ts`, import.meta.url), "utf8"), library).toBe(
        declarationsText(shippedDeclarations(library, table)),
      );
    }
  });
});
