/** The distribution that a file is of, and where that one has its debug information. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FileSource } from "../file-source.ts";
import type { Place } from "./where.ts";

export interface Distribution {
  /** "debian", "fedora", …: ID of os-release. */
  readonly id: string;
  /** Those that it is made from. */
  readonly like: readonly string[];
  readonly codename: string | undefined;
}

/** Servers of debuginfod by distribution; each has what its packages were stripped of. Source: the servers' list of debuginfod.elfutils.org. */
const SERVERS: { readonly [id: string]: string } = {
  debian: "https://debuginfod.debian.net",
  ubuntu: "https://debuginfod.ubuntu.com",
  fedora: "https://debuginfod.fedoraproject.org",
  centos: "https://debuginfod.centos.org",
  arch: "https://debuginfod.archlinux.org",
  opensuse: "https://debuginfod.opensuse.org",
  void: "https://debuginfod.s.voidlinux.org",
};
const LARGEST_RELEASE = 1 << 16;
const LARGEST_LIST = 1 << 25;
/** Packages of a system with all that Debian has are fewer. */
const MOST_LISTS = 100_000;
/** It asks all the others. */
const ANY_SERVER = "https://debuginfod.elfutils.org";

/** Of the system below a root; undefined if it doesn't say. Source: os-release(5). */
export function distributionOf(root: string): Distribution | undefined {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    const text = contents(root + path, LARGEST_RELEASE);
    if (text !== undefined) return parseOsRelease(text.toString("utf8"));
  }
  return undefined;
}

function parseOsRelease(text: string): Distribution | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)=(["']?)([\w .+:/-]*)\2$/.exec(line.trim());
    if (match !== null) fields.set(match[1]!, match[3]!);
  }
  const id = fields.get("ID");
  if (!id) return undefined;
  return { id, like: (fields.get("ID_LIKE") ?? "").split(" ").filter((one) => one !== ""), codename: fields.get("VERSION_CODENAME") };
}

/** The server that has its debug information. */
export function serverOf(distribution: Distribution | undefined): string {
  for (const family of familiesOf(distribution)) if (SERVERS[family] !== undefined) return SERVERS[family];
  return ANY_SERVER;
}

/** How its package of debug information is installed, as a command; undefined: the file is of no package, or there are none of these. */
export function installCommand(distribution: Distribution | undefined, place: Place): string | undefined {
  const families = familiesOf(distribution);
  const path = shellWord(place.path);
  if (families.includes("debian") || families.includes("ubuntu")) {
    const owner = debianOwner(place);
    return owner === undefined ? undefined : `apt install ${debianDebugPackage(owner)}`;
  }
  if (!place.path.startsWith("/usr/") && !place.path.startsWith("/lib") && !place.path.startsWith("/bin/") && !place.path.startsWith("/sbin/"))
    return undefined;
  if (families.includes("fedora") || families.includes("rhel") || families.includes("centos")) return `dnf debuginfo-install "$(rpm -qf ${path})"`;
  if (families.includes("opensuse") || families.includes("suse")) return `zypper install --plus-content debug "$(rpm -qf --qf '%{NAME}-debuginfo' ${path})"`;
  return undefined;
}

/** The archive that the packages are in, where that isn't one that is set up as a rule. */
export function debugArchive(distribution: Distribution | undefined, command: string): string | undefined {
  if (!command.endsWith("-dbgsym")) return undefined;
  const families = familiesOf(distribution);
  if (families.includes("ubuntu")) return "Ubuntu's archive ddebs";
  return families.includes("debian") ? `Debian's archive ${distribution?.codename ?? "CODENAME"}-debug` : undefined;
}

/** Names of itself first, then of what it is made from; "opensuse-leap" is of the family opensuse. */
function familiesOf(distribution: Distribution | undefined): readonly string[] {
  if (distribution === undefined) return [];
  return [distribution.id, ...distribution.like].flatMap((name) => (name.startsWith("opensuse-") ? [name, "opensuse"] : [name]));
}

/** The C library's is older than the naming of the others. */
const debianDebugPackage = (owner: string): string => (owner === "libc6" ? "libc6-dbg" : `${owner}-dbgsym`);

/** As dpkg -S finds it: the package of which the list has the path, with or without /usr in front. */
function debianOwner({ root, path }: Place): string | undefined {
  const folder = join(root, "/var/lib/dpkg/info");
  const paths = [path, path.startsWith("/usr/") ? path.slice(4) : `/usr${path}`].map((each) => Buffer.from(`\n${each}\n`));
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  for (const name of names.filter((each) => each.endsWith(".list")).slice(0, MOST_LISTS)) {
    const list = contents(join(folder, name), LARGEST_LIST);
    if (list !== undefined && paths.some((each) => list.includes(each))) return name.slice(0, -".list".length).replace(/:.*$/, "");
  }
  return undefined;
}

/** Undefined for what isn't there, and for what only a container that means harm has in its place: a pipe, a huge file. */
function contents(path: string, most: number): Buffer | undefined {
  let source: FileSource | undefined;
  try {
    source = new FileSource(path);
    return source.size > most ? undefined : Buffer.from(source.read(0, source.size));
  } catch {
    return undefined;
  } finally {
    source?.close();
  }
}

const shellWord = (text: string): string => (/^[\w./+:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
