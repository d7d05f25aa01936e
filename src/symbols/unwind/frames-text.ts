/** Names the frames of stacks: module, function, source line, and what is inlined there. Each address of a module is looked up once. */
import { lineAt, type SourcePlace } from "../../dwarf/lines.ts";
import { entryAddress } from "../../dwarf/locations.ts";
import { qualifiedName } from "../../dwarf/type-names.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import type { Frame } from "../../schema/stack.ts";
import { demangle } from "../names/demangle.ts";
import type { Module } from "./module.ts";
import type { MappedModule, ProcessModules } from "./modules.ts";

/** The code of a process, by its addresses. */
export type ProcessCode = Pick<ProcessModules, "at" | "compiledAt">;

/** A function that was running at an address, or what is known of it. */
export interface NamedFrame {
  /** As the programmer wrote it. */
  readonly name: string | undefined;
  /** Bytes from the function's start; from the module's, if it isn't known. Of an inlined one 0. */
  readonly offset: number;
  /** The file for people; undefined: the code is in none, or nothing was mapped there. */
  readonly module: string | undefined;
  readonly file: string | undefined;
  /** 0: not known. */
  readonly line: number;
  /** It is inlined in the next one. */
  readonly inlined: boolean;
}

/** Addresses of a module that are remembered. */
const MOST_REMEMBERED = 1 << 18;

export class FrameNames {
  readonly #known = new WeakMap<Module, Map<number, readonly NamedFrame[]>>();
  /** Nearly every frame is in the same module as the one before it, or in one of few. */
  #last: { readonly module: Module; readonly frames: Map<number, readonly NamedFrame[]> } | undefined;

  /**
   * The frames at an address of a process, the innermost inlined one first; at least one. `called`: the address is behind a call,
   * as of all frames but the innermost and those that a signal interrupted, so the byte before it is looked up.
   */
  of(process: ProcessCode, address: number, called: boolean): readonly NamedFrame[] {
    const looked = called ? address - 1 : address;
    const mapped = process.at(looked);
    if (mapped === undefined) return [{ ...NOTHING, offset: address }];
    if (mapped.module.image === undefined) return [compiled(process, mapped, address, looked)];
    const frames = this.#of(mapped.module);
    const linked = address - mapped.bias;
    const key = linked * 2 + (called ? 1 : 0);
    let found = frames.get(key);
    if (found === undefined) {
      found = lookUp(mapped.module, linked, looked - mapped.bias);
      if (frames.size >= MOST_REMEMBERED) frames.clear();
      frames.set(key, found);
    }
    return found;
  }

  #of(module: Module): Map<number, readonly NamedFrame[]> {
    if (this.#last?.module === module) return this.#last.frames;
    let frames = this.#known.get(module);
    if (frames === undefined) {
      frames = new Map();
      this.#known.set(module, frames);
    }
    this.#last = { module, frames };
    return frames;
  }
}

const NOTHING: NamedFrame = { name: undefined, offset: 0, module: undefined, file: undefined, line: 0, inlined: false };

function compiled(process: ProcessCode, mapped: MappedModule, address: number, looked: number): NamedFrame {
  const found = process.compiledAt(looked);
  const module = mapped.module.display === "" ? undefined : mapped.module.display;
  if (found === undefined) return { ...NOTHING, offset: module === undefined ? address : address - mapped.bias, module };
  return { ...NOTHING, name: found.name, offset: address - found.address, module };
}

/** `looked`: the byte that counts. Both as linked. */
function lookUp(module: Module, linked: number, looked: number): readonly NamedFrame[] {
  const symbol = module.names.at(looked);
  const place = placeOf(module, looked);
  const own = place?.frames.at(-1);
  const name = symbol?.name ?? (own?.inlined === false ? nameOf(own) : undefined);
  const start = symbol?.address ?? (own?.inlined === false ? entryAddress(own.function) : undefined) ?? 0;
  const inner = (place?.frames ?? [])
    .filter(({ inlined }) => inlined)
    .map((one) => ({ name: nameOf(one), offset: 0, module: module.display, file: one.file, line: one.line, inlined: true }));
  const at = own?.inlined === false ? own : place;
  return [...inner, { name, offset: linked - start, module: module.display, file: at?.file, line: at?.line ?? 0, inlined: false }];
}

function placeOf(module: Module, looked: number): SourcePlace | undefined {
  const { debug } = module;
  return debug && unlessRefused(() => lineAt(debug, looked));
}

const nameOf = ({ name, linkageName, function: entry }: SourcePlace["frames"][number]): string | undefined =>
  (linkageName === undefined ? undefined : demangle(linkageName)?.text) ?? (name === undefined ? undefined : qualifiedName(entry));

/** As the host sees it, with the address that it was found at. */
export const frameOf = (address: bigint, { name, offset, module, file, line, inlined }: NamedFrame): Frame => ({
  address,
  ...(name !== undefined && { name }),
  // Of what nothing is known the address is all, and it is there.
  offset: module === undefined && name === undefined ? 0 : offset,
  ...(module !== undefined && { module }),
  ...(file !== undefined && { file }),
  ...(line > 0 && { line }),
  inlined,
});
