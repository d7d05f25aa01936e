/** Where a thread's `errno` lies: the C library's own function says it, and is read, not run. */
import { readElf } from "../elf/image.ts";
import { SondeError } from "../errors/error.ts";
import { unlessRefused } from "../errors/unless-refused.ts";
import { type Mapping, readMappings } from "../sys/procfs.ts";
import { threadLocalResult } from "../x86/thread-local.ts";
import { FileSource } from "./file-source.ts";
import { filesFor } from "./process-files.ts";
import { SymbolIndex } from "./symbol-index.ts";

/** glibc and musl call it so (Linux Standard Base, "__errno_location"). */
const FUNCTION = "__errno_location";
const CODE_BYTES = 48;

/** At most `length` bytes of the process's memory. Throws where nothing can be read. */
export type ReadTarget = (address: bigint, length: number) => Uint8Array;

/** A process's function, and its bytes: after an exec others stand there, or none. */
interface Found {
  readonly address: bigint;
  readonly code: Uint8Array;
}

export class ErrnoLocations {
  readonly #found = new Map<number, Found>();

  /** The address of errno of the thread with this fs base. Throws SONDE_ERRNO_UNKNOWN, and what reading the process's maps throws. */
  of(pid: number, fsBase: bigint, read: ReadTarget): bigint {
    let found = this.#found.get(pid);
    if (found === undefined || !sameBytes(codeAt(found.address, read), found.code)) {
      found = findFunction(pid, read);
      this.#found.set(pid, found);
    }
    const word = (address: bigint): bigint | undefined => {
      const bytes = unlessRefused(() => read(address, 8));
      return bytes === undefined || bytes.length < 8 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    };
    const offset = threadLocalResult(found.code, found.address, word);
    if (offset === undefined || fsBase === 0n) throw unknown(pid, `the code of ${FUNCTION} in it isn't of a known form`);
    return BigInt.asUintN(64, fsBase + offset);
  }
}

const unknown = (pid: number, why: string): SondeError =>
  new SondeError("SONDE_ERRNO_UNKNOWN", `where process ${pid} keeps errno can't be told`, {
    where: `pid ${pid}`,
    why,
    mend: "Leave errno out: the result can be read and set without it.",
  });

const codeAt = (address: bigint, read: ReadTarget): Uint8Array => unlessRefused(() => read(address, CODE_BYTES)) ?? new Uint8Array(0);
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** C libraries first: others may define the function too, or take it from there. */
const isLibc = (path: string): boolean => /\/(libc[.-]|ld-musl-)[^/]*$/.test(path);

function findFunction(pid: number, read: ReadTarget): Found {
  const code = readMappings(pid).filter((mapping) => mapping.permissions[2] === "x" && mapping.path.startsWith("/"));
  const paths = [...new Set(code.map(({ path }) => path))].sort((a, b) => Number(isLibc(b)) - Number(isLibc(a)));
  for (const path of paths) {
    const mappings = code.filter((mapping) => mapping.path === path);
    const address = unlessRefused(() => addressIn(path, pid, mappings));
    if (address === undefined) continue;
    const bytes = codeAt(address, read);
    if (bytes.length > 0) return { address, code: bytes };
  }
  throw unknown(pid, `nothing that it maps has a function ${FUNCTION}: its C library is stripped, or it has none`);
}

/** The function's address in the process, from its place in the file. */
function addressIn(path: string, pid: number, mappings: readonly Mapping[]): bigint | undefined {
  for (const file of filesFor(path, [pid]).files) {
    const source = new FileSource(file.path, file.display);
    try {
      if (!mappings.some(({ inode }) => inode === source.identity.inode)) continue;
      const offset = new SymbolIndex(readElf(source)).find(FUNCTION)[0]?.offset;
      if (offset === undefined) continue;
      const mapping = mappings.find((one) => offset >= one.offset && offset < one.offset + (one.end - one.start));
      if (mapping !== undefined) return BigInt(mapping.start + offset - mapping.offset);
    } finally {
      source.close();
    }
  }
  return undefined;
}
