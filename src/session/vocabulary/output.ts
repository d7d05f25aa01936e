/** The vocabulary's output on the host: print and its formats, show, clear, exit. */
import { SondeError } from "../../errors/error.ts";
import { durationText, hexText } from "../../output/numbers.ts";
import { UNREADABLE, valueText } from "../../output/value.ts";
import type { Scope } from "../scope.ts";
import { handlerOnly, State } from "../state/state.ts";

/** What a format helper gives: text that is only good for printing. */
class Formatted {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

function wholeOf(name: string, value: unknown): bigint | undefined {
  if (value === undefined || typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isFinite(value)) return BigInt(Math.round(value));
  throw new SondeError("SONDE_VALUE", `${name}(${String(value)}): not a number`);
}

/** The host's own texts are printed as they are; only what a target holds is made harmless. */
const hostText = (value: unknown): string => (typeof value === "string" || value instanceof Formatted ? String(value) : valueText(value));

function statesOf(what: string, values: readonly unknown[]): State[] {
  return values.map((value) => {
    if (value instanceof State) return value;
    throw new SondeError("SONDE_VALUE", `${what}: ${value === undefined ? "undefined" : "this"} is no map, aggregate or variable`);
  });
}

export function outputVocabulary(scope: Scope) {
  return {
    print(texts: TemplateStringsArray, ...values: readonly unknown[]): void {
      if (!Array.isArray(texts))
        throw new SondeError("SONDE_PRINT", "print is a template tag", {
          mend: "Write the text between backticks right behind it, without parentheses: print`calls`.",
        });
      scope.actions.print(texts.reduce((text, piece, i) => text + hostText(values[i - 1]) + piece));
    },
    hex(value: unknown): Formatted {
      if (value instanceof Uint8Array) return new Formatted(hexText(value));
      const whole = wholeOf("hex", value);
      return new Formatted(whole === undefined ? UNREADABLE : hexText(whole));
    },
    duration(ns: unknown): Formatted {
      const whole = wholeOf("duration", ns);
      return new Formatted(whole === undefined ? UNREADABLE : durationText(whole));
    },
    sym(address: unknown): Formatted {
      const whole = wholeOf("sym", address);
      return new Formatted(whole === undefined ? UNREADABLE : scope.actions.symbol(whole));
    },
    show(what: unknown, options: { readonly top?: unknown } = {}): void {
      const { top } = options;
      if (top !== undefined && !(typeof top === "number" && Number.isInteger(top) && top > 0))
        throw new SondeError("SONDE_OPTION", `show(): top is ${String(top)}: it is a whole number from 1`);
      scope.actions.show(statesOf("show()", [what])[0]!, top as number | undefined);
    },
    clear(...what: readonly unknown[]): void {
      for (const state of statesOf("clear()", what)) state.clear();
    },
    exit(status: unknown = 0): void {
      if (!(typeof status === "number" && Number.isInteger(status) && status >= 0 && status <= 255))
        throw new SondeError("SONDE_OPTION", `exit(${String(status)}): the status is a whole number from 0 to 255`);
      scope.actions.exit(status);
    },
    str: () => handlerOnly("str()", "Read memory in a handler, and emit or print what it read."),
    buf: () => handlerOnly("buf()", "Read memory in a handler, and emit or print what it read."),
    read: () => handlerOnly("read()", "Read memory in a handler, and emit or print what it read."),
  };
}
