/**
 * An address in a process as symbol+offset: through the mapping that it lies in, and that file's symbols; of code that was
 * compiled at run time, by what the process says of it.
 */
import { type ElfImage, offsetToAddress, readElf } from "../../elf/image.ts";
import { plainText } from "../../output/value.ts";
import { symbolsElsewhere } from "../../symbols/debug-files/symbols.ts";
import { FileSource } from "../../symbols/file-source.ts";
import { PerfMapFile } from "../../symbols/perf-map.ts";
import { SymbolIndex } from "../../symbols/symbol-index.ts";
import { type Mapping, readMappings } from "../../sys/procfs.ts";

interface MappedFile {
  readonly image: ElfImage;
  readonly index: SymbolIndex;
}

/** Mappings are read again at most so often when an address is in none. */
const AGAIN_MS = 200;

export class Symbolizer {
  readonly #mappings = new Map<number, { readonly at: number; readonly list: readonly Mapping[] }>();
  readonly #files = new Map<string, MappedFile | undefined>();
  readonly #texts = new Map<string, string>();
  readonly #jitted = new Map<number, { readonly file: PerfMapFile; at: number }>();

  /** `pid` undefined: it isn't known whose address it is, so it stays a number. */
  text(address: bigint, pid: number | undefined): string {
    const hex = `0x${address.toString(16)}`;
    if (pid === undefined || address > BigInt(Number.MAX_SAFE_INTEGER)) return hex;
    const key = `${pid} ${hex}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const found = this.#find(Number(address), pid);
    // What was compiled at run time may give way to something else.
    if (found === undefined) return this.#findJitted(Number(address), pid) ?? hex;
    this.#texts.set(key, found);
    return found;
  }
  #findJitted(address: number, pid: number): string | undefined {
    let known = this.#jitted.get(pid);
    if (known === undefined) {
      known = { file: new PerfMapFile(pid), at: 0 };
      this.#jitted.set(pid, known);
    }
    if (Date.now() - known.at >= AGAIN_MS) {
      known.file.update();
      known.at = Date.now();
    }
    const found = known.file.at(address);
    if (found === undefined) return undefined;
    const offset = address - found.address;
    const name = plainText(found.name);
    return offset === 0 ? name : `${name}+0x${offset.toString(16)}`;
  }
  #find(address: number, pid: number): string | undefined {
    const mapping = this.#mappingOf(address, pid);
    if (mapping === undefined || !mapping.path.startsWith("/")) return undefined;
    const name = mapping.path.split("/").pop();
    const file = this.#file(pid, mapping);
    const linked = file && offsetToAddress(file.image, address - mapping.start + mapping.offset);
    const entry = linked === undefined ? undefined : file?.index.at(linked);
    if (entry === undefined || linked === undefined) return linked === undefined ? undefined : `${name}+0x${linked.toString(16)}`;
    const offset = linked - entry.address;
    return offset === 0 ? entry.name : `${entry.name}+0x${offset.toString(16)}`;
  }
  #mappingOf(address: number, pid: number): Mapping | undefined {
    let known = this.#mappings.get(pid);
    const within = (): Mapping | undefined => known?.list.find(({ start, end }) => address >= start && address < end);
    const found = within();
    if (found !== undefined || (known !== undefined && Date.now() - known.at < AGAIN_MS)) return found;
    try {
      known = { at: Date.now(), list: readMappings(pid) };
    } catch {
      // The process is gone: what is known of it still holds.
      known = { at: Date.now(), list: known?.list ?? [] };
    }
    this.#mappings.set(pid, known);
    return within();
  }
  #file(pid: number, mapping: Mapping): MappedFile | undefined {
    const key = `${mapping.device}:${mapping.inode}`;
    if (!this.#files.has(key))
      this.#files.set(key, openMapped(`/proc/${pid}/map_files/${mapping.range}`, mapping.path) ?? openMapped(`/proc/${pid}/root${mapping.path}`, mapping.path));
    return this.#files.get(key);
  }
}

/** Through map_files it is the very file that is mapped, also where its name is gone; that needs rights. */
function openMapped(path: string, display: string): MappedFile | undefined {
  try {
    const image = readElf(new FileSource(path, display));
    return { image, index: new SymbolIndex(image, () => symbolsElsewhere(path, image, { display })) };
  } catch {
    return undefined;
  }
}
