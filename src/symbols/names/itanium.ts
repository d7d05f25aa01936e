/**
 * Mangled C++ names → what the programmer wrote. Source: the Itanium C++ ABI, §5.1 "External Names".
 *
 * Texts are as GNU's tools write them (`c++filt -i`), but for one thing: the result's type, which is mangled for templates
 * alone, is left out, so that every function's text begins with its name.
 *
 * A name of 400 bytes can stand for a text of gigabytes (each substitution twice the one before): steps, depth and the
 * text's length are bounded, and a name beyond them stays mangled.
 */
import { ItaniumExpressions } from "./itanium-expressions.ts";
import { STD_ABBREVIATIONS, STD_IN_FULL } from "./itanium-tables.ts";
import { Malformed, type Name } from "./itanium-types.ts";

const SPECIAL_NAMES: { readonly [code: string]: string } = {
  TV: "vtable for ",
  TT: "VTT for ",
  TI: "typeinfo for ",
  TS: "typeinfo name for ",
};

class Demangler extends ItaniumExpressions {
  /** The whole symbol; throws Malformed. */
  symbol(): string {
    if (!this.take("_Z") && !this.take("__Z")) throw new Malformed();
    let text = this.encoding();
    const rest = this.text.slice(this.at);
    if (rest !== "") {
      // What compilers append to copies of a function: .part.0, .cold, .isra.0.constprop.1
      if (!/^\.[\w.$]+$/.test(rest)) throw new Malformed();
      for (const [clone] of rest.matchAll(/\.[A-Za-z_]+(?:\.\d+)*|(?:\.\d+)+/g)) text += ` [clone ${clone}]`;
    }
    return this.bounded(text);
  }

  protected encoding(): string {
    this.step();
    if (this.peek() === "T" || (this.peek() === "G" && /[VRT]/.test(this.peek(1)))) return this.specialName();
    const name = this.name(true);
    if (this.done() || this.peek() === "E" || this.peek() === ".") return name.text + name.qualifiers;
    if (name.isTemplate && !name.hasNoResult) this.type();
    return this.bounded(`${name.text}(${this.parameters()})${name.qualifiers}`);
  }

  private specialName(): string {
    const code = this.text.slice(this.at, this.at + 2);
    this.at += 2;
    const plain = SPECIAL_NAMES[code];
    if (plain !== undefined) return plain + this.textOf(this.type());
    switch (code) {
      case "Th":
      case "Tv":
        this.at--;
        this.callOffset();
        return `${code === "Th" ? "non-virtual" : "virtual"} thunk to ${this.encoding()}`;
      case "Tc":
        this.callOffset();
        this.callOffset();
        return `covariant return thunk to ${this.encoding()}`;
      case "TC": {
        const derived = this.textOf(this.type());
        this.number();
        if (!this.take("_")) throw new Malformed();
        return `construction vtable for ${this.textOf(this.type())}-in-${derived}`;
      }
      case "TW":
      case "TH": {
        const name = this.name(false);
        return `TLS ${code === "TW" ? "wrapper" : "init"} function for ${name.text}`;
      }
      case "TA":
        return `template parameter object for ${this.textOf(this.templateArgument())}`;
      case "GV":
        return `guard variable for ${this.name(false).text}`;
      case "GR": {
        const name = this.name(false).text;
        const sequence = this.peek() === "_" || /[0-9A-Z]/.test(this.peek()) ? this.sequence() : 0;
        return `reference temporary #${sequence} for ${name}`;
      }
      case "GT": {
        const kind = this.next();
        return `${kind === "n" ? "non-transaction" : "transaction"} clone for ${this.encoding()}`;
      }
      default:
        throw new Malformed();
    }
  }

  private callOffset(): void {
    const kind = this.next();
    this.number();
    if (!this.take("_")) throw new Malformed();
    if (kind === "h") return;
    if (kind !== "v") throw new Malformed();
    this.number();
    if (!this.take("_")) throw new Malformed();
  }

  protected name(scope: boolean): Name {
    const outer = this.templateParameters;
    const name = this.nested(() => this.nameOf(scope));
    // What a type's name or a function in an argument has for arguments isn't what parameters stand for.
    if (!scope) this.templateParameters = outer;
    return name;
  }

  private nameOf(scope: boolean): Name {
    const c = this.peek();
    if (c === "N") return this.nestedName(scope);
    if (c === "Z") return this.localName(scope);
    if (c === "S" && this.peek(1) !== "t") {
      // A substitution that is a template's name, or a class of std.
      const base = this.substitution();
      if (this.peek() !== "I") throw new Malformed();
      const text = this.textOf(base) + this.templateArguments(scope);
      return { text: this.bounded(text), isTemplate: true, hasNoResult: false, qualifiers: "" };
    }
    const inStd = this.take("St");
    const base = this.unqualifiedName("");
    const prefix = inStd ? "std::" : "";
    if (this.peek() !== "I") return { ...base, text: prefix + base.text };
    this.add({ left: prefix + base.text, right: "" });
    const text = prefix + base.text + this.templateArguments(scope);
    return { ...base, text: this.bounded(text), isTemplate: true };
  }

  private nestedName(scope: boolean): Name {
    this.at++;
    let qualifiers = "";
    // An explicit object parameter: its function has no qualifiers.
    this.take("H");
    const cv = this.cvQualifiers();
    if (cv !== "") qualifiers += cv;
    if (this.take("R")) qualifiers += " &";
    else if (this.take("O")) qualifiers += " &&";
    let text = "";
    let last = "";
    let isTemplate = false;
    let hasNoResult = false;
    for (let count = 0; !this.take("E"); count++) {
      this.step();
      const c = this.peek();
      if (c === "I") {
        if (count === 0 || isTemplate) throw new Malformed();
        text = this.bounded(text + this.templateArguments(scope));
        isTemplate = true;
        if (this.peek() !== "E") this.add({ left: text, right: "" });
        continue;
      }
      // The member in whose initializer a lambda stands.
      if (this.take("M")) continue;
      hasNoResult = false;
      isTemplate = false;
      if (c === "S" && this.peek(1) !== "t") {
        if (count > 0) throw new Malformed();
        const abbreviation = STD_ABBREVIATIONS[this.peek(1)];
        const node = this.substitution();
        text = this.textOf(node);
        last = abbreviation?.[1] ?? lastName(text);
        if (abbreviation !== undefined && /^[CD]\d/.test(this.text.slice(this.at, this.at + 2))) text = STD_IN_FULL[text] ?? text;
        continue;
      }
      if (c === "S") {
        this.at += 2;
        text = "std";
        continue;
      }
      if (c === "T") {
        text = this.textOf(this.templateParameter());
        last = lastName(text);
        this.add({ left: text, right: "" });
        continue;
      }
      if (c === "D" && /[tT]/.test(this.peek(1))) {
        text = this.textOf(this.type());
        last = lastName(text);
        continue;
      }
      const part = this.unqualifiedName(last);
      text = this.bounded(text === "" ? part.text : `${text}::${part.text}`);
      last = lastName(part.text);
      hasNoResult = part.hasNoResult;
      if (this.peek() !== "E") this.add({ left: text, right: "" });
    }
    if (text === "") throw new Malformed();
    return { text, isTemplate, hasNoResult, qualifiers };
  }

  private localName(scope: boolean): Name {
    this.at++;
    const outer = this.encoding();
    if (!this.take("E")) throw new Malformed();
    if (this.take("s")) {
      this.discriminator();
      return { text: `${outer}::string literal`, isTemplate: false, hasNoResult: true, qualifiers: "" };
    }
    let scopeText = outer;
    if (this.take("d")) {
      const digits = /^\d*/.exec(this.text.slice(this.at))?.[0] ?? "";
      this.at += digits.length;
      if (!this.take("_")) throw new Malformed();
      scopeText += `::{default arg#${digits === "" ? 1 : Number(digits) + 2}}`;
    }
    const name = this.name(scope);
    this.discriminator();
    return { ...name, text: this.bounded(`${scopeText}::${name.text}`) };
  }

  private discriminator(): void {
    const found = /^_(?:\d|_\d+_)/.exec(this.text.slice(this.at, this.at + 16));
    if (found !== null) this.at += found[0].length;
  }
}

/** What a class's constructors are called: its last name, without arguments. */
function lastName(tagged: string): string {
  const text = tagged.replace(/(?:\[abi:\w+\])+$/, "");
  let depth = 0;
  let end = text.length;
  for (let i = text.length - 1; i >= 0; i--) {
    const c = text[i];
    if (c === ">" || c === ")" || c === "}") depth++;
    else if (c === "<" || c === "(" || c === "{") {
      depth--;
      if (depth === 0 && c === "<") end = i;
    } else if (c === ":" && depth === 0) return text.slice(i + 1, end);
  }
  return text.slice(0, end);
}

/** The name's text; undefined where it isn't one of C++, or is beyond the bounds. */
export function demangleItanium(symbol: string): string | undefined {
  try {
    return new Demangler(symbol).symbol();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
