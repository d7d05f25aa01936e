/** What is said where there is no debug information: of each distribution, the package and the server that have it. */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { type MissingDebugInfo, missingError } from "../../src/symbols/debug-files/missing.ts";
import { openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { Folder, imageOf } from "./build.ts";

const ID = "00112233445566778899aabbccddeeff00112233";

/** A root of a distribution, with dpkg's lists where it has some. */
function system(folder: Folder, release: string, lists: { readonly [name: string]: string } = {}): string {
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(folder.at(path)), { recursive: true });
    writeFileSync(folder.at(path), text);
  };
  put("etc/os-release", release);
  for (const [name, text] of Object.entries(lists)) put(`var/lib/dpkg/info/${name}.list`, text);
  return folder.path;
}
const missing = (root: string, path: string, more: Partial<MissingDebugInfo> = {}): MissingDebugInfo => ({
  display: path,
  place: { root, path },
  buildId: ID,
  supplementary: undefined,
  rejected: [],
  environment: {},
  ...more,
});
const mend = (...args: Parameters<typeof missing>) => missingError(missing(...args)).mend;

const LISTS = { "libc6:amd64": "/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n", coreutils: "/.\n/bin/ls\n/usr/bin/sort\n" };
const DEBIAN = 'PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME=bookworm\n';

describe("the mend", () => {
  test("of Debian is the package's -dbgsym, and its server", () => {
    using folder = new Folder();
    expect(mend(system(folder, DEBIAN, LISTS), "/usr/bin/sort")).toBe(
      `Install it: apt install coreutils-dbgsym (from Debian's archive bookworm-debug, in the container); or have it downloaded: DEBUGINFOD_URLS=https://debuginfod.debian.net (build-id ${ID}).`,
    );
  });
  test("of the C library is libc6-dbg, whichever of /lib and /usr/lib it is called by", () => {
    using folder = new Folder();
    const root = system(folder, DEBIAN, LISTS);
    for (const path of ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"])
      expect(mend(root, path)).toMatch("apt install libc6-dbg (in the");
  });
  test.each([
    ["Ubuntu", "ID=ubuntu\nID_LIKE=debian\n", "/usr/bin/sort", ["apt install coreutils-dbgsym (from Ubuntu's archive ddebs", "https://debuginfod.ubuntu.com"]],
    ["Fedora", "ID=fedora\n", "/usr/bin/sort", ['dnf debuginfo-install "$(rpm -qf /usr/bin/sort)"', "https://debuginfod.fedoraproject.org"]],
    [
      "one that is made from Fedora",
      'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
      "/usr/bin/a b",
      [`dnf debuginfo-install "$(rpm -qf '/usr/bin/a b')"`, "https://debuginfod.centos.org"],
    ],
    [
      "openSUSE",
      'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n',
      "/usr/bin/sort",
      ["zypper install --plus-content debug", "https://debuginfod.opensuse.org"],
    ],
    ["Arch", "ID=arch\n", "/usr/bin/sort", ["Have it downloaded: DEBUGINFOD_URLS=https://debuginfod.archlinux.org"]],
    ["any other", "ID=other\n", "/usr/bin/sort", ["DEBUGINFOD_URLS=https://debuginfod.elfutils.org"]],
  ])("of %s", (_, release, path, parts) => {
    using folder = new Folder();
    const said = mend(system(folder, release, LISTS), path);
    for (const part of parts) expect(said).toContain(part);
  });
  test("of a program of no package is to build it with -g", () => {
    using folder = new Folder();
    expect(mend(system(folder, DEBIAN, LISTS), "/opt/server", { buildId: undefined })).toBe("If the program is your own, build it with -g and don't strip it.");
  });
  test("doesn't advise a server that was asked", () => {
    using folder = new Folder();
    const error = missingError(
      missing(system(folder, DEBIAN, LISTS), "/usr/bin/sort", { environment: { DEBUGINFOD_URLS: "https://debuginfod.debian.net/" } }),
      ["https://debuginfod.debian.net: HTTP status 503"],
    );
    expect(error.mend).toBe("Install it: apt install coreutils-dbgsym (from Debian's archive bookworm-debug, in the container).");
    expect(error.why).toMatch("https://debuginfod.debian.net: HTTP status 503");
  });
  test("is given without lists, without a distribution, and with nonsense for one", () => {
    using folder = new Folder();
    for (const release of ["", "ID=\n", "\0\0=\n", DEBIAN]) expect(mend(system(folder, release), "/usr/bin/sort")).toMatch("build it with -g");
  });
});

test("a container's lists that are pipes or huge aren't read", () => {
  using folder = new Folder();
  const root = system(folder, DEBIAN, { huge: "" });
  truncateSync(folder.at("var/lib/dpkg/info/huge.list"), 2 ** 40);
  for (const path of ["etc/os-release", "var/lib/dpkg/info/pipe.list"]) {
    rmSync(folder.at(path), { force: true });
    folder.run("mkfifo", path);
  }
  expect(mend(root, "/usr/bin/sort")).toMatch("build it with -g");
});
test("a file of another build is named as the reason", () => {
  using folder = new Folder();
  const error = missingError(missing(folder.path, "/opt/server", { rejected: [{ path: "/opt/server.debug", why: "it is of another build: …" }] }));
  expect(error).toMatchObject({ code: "SONDE_DEBUG_INFO_MISSING", why: "/opt/server.debug: it is of another build: …" });
  expect(error.mend).toMatch("take the debug information of this very build");
});
test("this machine's C library has a package", () => {
  using folder = new Folder();
  const path = "/lib/x86_64-linux-gnu/libc.so.6";
  const found = openDebugInfo(path, imageOf(path), { environment: { HOME: folder.path } });
  if ("missing" in found)
    expect(missingError(found.missing).mend).toMatch(/^Install it: apt install libc6-dbg; or have it downloaded: DEBUGINFOD_URLS=https:\/\/debuginfod/);
  else expect(found.from).toBe("build-id");
});
