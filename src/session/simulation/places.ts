/** Where a simulated script's targets are: in the programs of this machine as far as they are there, else nowhere but by name. */
import { SondeError } from "../../errors/error.ts";
import { knownArguments } from "../../prototypes/usdt.ts";
import type { PlaceRegister, Signature } from "../../schema/ctypes.ts";
import type { Resolved } from "../../symbols/in-files.ts";
import { resolveProbe, type TargetKind } from "../../symbols/resolve-probe.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { matchesPieces, parseTarget, patternPieces } from "../../symbols/target.ts";
import { parseUsdtTarget } from "../../symbols/usdt/target.ts";

/** Where the arguments of a made-up static probe are handed over, in order. */
export const USDT_REGISTERS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const satisfies readonly PlaceRegister[];

/** Made-up places, each at an address of its own. */
export class Places {
  #made = 0;

  resolve(target: string, kind: TargetKind): Resolved {
    if (kind === "usdt") return { sites: [this.#usdt(target)], notes: [] };
    if (kind === "tracepoint") return this.#tracepoint(target);
    if (kind !== "function") return resolveProbe(target, kind, { mode: "entry" });
    try {
      return resolveProbe(target, kind, { mode: "entry", unjudged: true });
    } catch (error) {
      if (!(error instanceof SondeError) || error.code.startsWith("SONDE_TARGET")) throw error;
      return { sites: this.#function(target), notes: [] };
    }
  }

  #site(file: string, name: string): FunctionSite {
    const at = ++this.#made;
    return {
      path: "",
      display: file,
      file: { device: -2n, inode: BigInt(at) },
      functionOffset: 0,
      address: BigInt(at) << 12n,
      size: 0,
      name,
      aliases: [],
      delta: 0,
    };
  }
  #function(text: string): FunctionSite[] {
    const { file, place } = parseTarget(text);
    switch (place.kind) {
      case "function":
        return [{ ...this.#site(file, place.name), delta: place.delta }];
      case "pattern":
        // Two, for the handler of one function would know its name.
        return [this.#site(file, place.pattern), this.#site(file, `${place.pattern}*`)];
      default:
        // Behind a function's start there are no arguments, and a line has variables that nobody knows.
        return [{ ...this.#site(file, text.slice(file.length + 1)), delta: 1 }];
    }
  }
  /** The kernel tells root alone of them: declarations may tell others. */
  #tracepoint(name: string): Resolved {
    try {
      return resolveProbe(name, "tracepoint", { mode: "entry" });
    } catch (error) {
      if (!(error instanceof SondeError) || error.code !== "SONDE_KERNEL_TRACEFS" || name.includes("*")) throw error;
      const site = this.#site("the kernel", name);
      return { sites: [{ ...site, event: { kind: "tracepoint", id: -Number(site.file.inode) } }], notes: [] };
    }
  }
  #usdt(text: string): FunctionSite {
    const { file, provider, name } = parseUsdtTarget(text);
    const count = knownArguments(provider ?? "", name) ?? USDT_REGISTERS.length;
    const params: Signature["params"] = USDT_REGISTERS.slice(0, count).map((register, i) => ({
      name: `arg${i}`,
      type: { k: "int", name: "i64" },
      place: { k: "registers", parts: [{ register, offset: 0, size: 8 }] },
    }));
    return { ...this.#site(file, `${provider ?? "*"}:${name}`), usdt: { signature: { params, ret: { k: "void" }, structs: {} }, semaphore: undefined } };
  }
}

/** The file and the rest of a target, as texts: that is what made-up hits are told apart by. */
export function splitTarget(text: string): { readonly file: string; readonly name: string } {
  const trimmed = text.trim();
  for (let i = 0; i < trimmed.length; i++) {
    if (trimmed[i] === "\\") i++;
    else if (trimmed[i] === ":" && trimmed[i + 1] === ":") i++;
    else if (trimmed[i] === ":") return { file: trimmed.slice(0, i), name: trimmed.slice(i + 1) };
  }
  return { file: "", name: trimmed };
}

/** Whether what a script wrote means this target. */
export function means(written: string, target: string): boolean {
  if (written.trim() === target.trim()) return true;
  const [a, b] = [splitTarget(written), splitTarget(target)];
  return a.file === b.file && matchesPieces(patternPieces(a.name), b.name);
}
