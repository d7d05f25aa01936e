/** The part of the demangler of C++ that reads names' last parts, and expressions in template arguments and `decltype`. */

import { LITERAL_SUFFIXES, OPERATORS } from "./itanium-tables.ts";
import { ItaniumTypes, Malformed, type Name, type Node } from "./itanium-types.ts";

const named = (text: string, hasNoResult = false): Name => ({ text, isTemplate: false, hasNoResult, qualifiers: "" });

export abstract class ItaniumExpressions extends ItaniumTypes {
  /** `enclosing`: the class whose constructor it may be. */
  protected unqualifiedName(enclosing: string): Name {
    this.step();
    // Linkage that compilers add to static functions.
    this.take("L");
    const c = this.peek();
    let name: Name;
    if (c === "" || c === "_") throw new Malformed();
    if (/[0-9]/.test(c)) name = named(this.sourceName());
    else if (c === "C" || (c === "D" && /[0-9]/.test(this.peek(1)))) name = this.#classFunction(enclosing);
    else if (c === "D" && this.peek(1) === "C") name = this.#binding();
    else if (c === "U") name = this.#unnamed();
    else name = this.#operatorName();
    const tags = this.abiTags();
    return tags === "" ? name : { ...name, text: name.text + tags };
  }

  #classFunction(enclosing: string): Name {
    const isConstructor = this.next() === "C";
    const inherited = isConstructor && this.take("I");
    if (!/[0-9]/.test(this.next()) || enclosing === "") throw new Malformed();
    if (inherited) this.type();
    return named(isConstructor ? enclosing : `~${enclosing}`, true);
  }

  #binding(): Name {
    this.at += 2;
    const names: string[] = [];
    while (!this.take("E")) names.push(this.sourceName());
    return named(`[${names.join(", ")}]`);
  }

  #unnamed(): Name {
    this.at++;
    const kind = this.next();
    if (kind === "t") return named(`{unnamed type#${this.#unnamedNumber()}}`);
    if (kind !== "l") throw new Malformed();
    this.lambdas++;
    // Explicit template parameters of the lambda.
    while (this.peek() === "T" && /[yntpk]/.test(this.peek(1))) this.#parameterDeclaration();
    const parameters = this.parameters();
    this.lambdas--;
    if (!this.take("E")) throw new Malformed();
    return named(`{lambda(${parameters})#${this.#unnamedNumber()}}`);
  }

  #parameterDeclaration(): void {
    const kind = this.text.slice(this.at, this.at + 2);
    this.at += 2;
    if (kind === "Tn") this.type();
    else if (kind === "Tp") this.#parameterDeclaration();
    else if (kind === "Tk") this.name(false);
    else if (kind !== "Ty") throw new Malformed();
  }

  #unnamedNumber(): number {
    const digits = /^\d{0,9}_/.exec(this.text.slice(this.at, this.at + 11))?.[0];
    if (digits === undefined) throw new Malformed();
    this.at += digits.length;
    return digits === "_" ? 1 : Number(digits.slice(0, -1)) + 2;
  }

  #operatorName(): Name {
    const code = this.text.slice(this.at, this.at + 2);
    if (code === "cv") {
      this.at += 2;
      return named(`operator ${this.#conversionType()}`, true);
    }
    if (code === "li") {
      this.at += 2;
      return named(`operator"" ${this.sourceName()}`);
    }
    if (/^v\d/.test(code)) {
      this.at += 2;
      return named(`operator ${this.sourceName()}`);
    }
    const found = OPERATORS.get(code);
    if (found === undefined) throw new Malformed();
    this.at += 2;
    const text = `operator${found[0]}`;
    return named(this.peek() === "I" && text.endsWith("<") ? `${text} ` : text);
  }

  /** A conversion's type may refer to template arguments that stand behind it: then those are read first. */
  #conversionType(): string {
    const start = this.at;
    const before = this.substitutions.length;
    const outer = this.templateParameters;
    if (outer !== undefined || !/T\d*_/.test(this.text.slice(start, start + 64))) return this.textOf(this.type());
    this.templateParameters = PLACEHOLDERS;
    this.inConversion = true;
    this.type();
    this.inConversion = false;
    if (this.peek() !== "I") throw new Malformed();
    this.templateArguments(true);
    this.at = start;
    this.substitutions.length = before;
    this.inConversion = true;
    const text = this.textOf(this.type());
    this.inConversion = false;
    return text;
  }

  protected expression(): string {
    return this.bounded(this.nested(() => this.#expression()));
  }

  /** In parentheses as GNU's tools write them: around whatever isn't a name or a parameter. */
  #operand(): string {
    const isScoped = this.text.startsWith("sr", this.at);
    const text = this.expression();
    return isScoped || /^[\w:]+$|^\{parm#\d+\}$/.test(text) ? text : `(${text})`;
  }

  /** A pointer to a member has no parameters. */
  #memberAddressed(): string {
    const text = this.literal();
    let depth = 0;
    for (let i = text.length - 1; i > 0; i--) {
      if (text[i] === ")") depth++;
      else if (text[i] === "(" && --depth === 0) return text[i - 1] === ">" ? `(${text})` : text.slice(0, i);
    }
    return text;
  }

  #expressions(): string {
    const list: string[] = [];
    while (!this.take("E")) list.push(this.expression());
    return this.bounded(list.filter((text) => text !== "").join(", "));
  }

  #expression(): string {
    const c = this.peek();
    if (c === "L") return this.literal();
    if (c === "T") return this.textOf(this.templateParameter());
    if (c === "f" && /[pL]/.test(this.peek(1)) && !/^fL[rlRL]?[a-z]{2}/.test(this.text.slice(this.at, this.at + 5))) return this.#parameter();
    const code = this.text.slice(this.at, this.at + 2);
    switch (code) {
      case "sr":
        return this.#scoped();
      case "on":
      case "gs":
        this.at += 2;
        return code === "gs" ? `::${this.expression()}` : this.#withArguments(this.unqualifiedName("").text);
      case "st":
        this.at += 2;
        return `sizeof (${this.textOf(this.type())})`;
      case "sz":
        this.at += 2;
        return `sizeof (${this.expression()})`;
      case "at":
        this.at += 2;
        return `alignof (${this.textOf(this.type())})`;
      case "az":
        this.at += 2;
        return `alignof (${this.expression()})`;
      case "nx":
        this.at += 2;
        return `noexcept (${this.expression()})`;
      case "ti":
      case "te":
        this.at += 2;
        return `typeid (${code === "ti" ? this.textOf(this.type()) : this.expression()})`;
      case "sp":
        this.at += 2;
        return this.textOf(this.expansion(() => ({ left: this.expression(), right: "" })));
      case "sZ": {
        this.at += 2;
        const node = this.peek() === "T" ? this.templateParameter() : undefined;
        return node?.pack === undefined ? `sizeof...(${node === undefined ? this.expression() : this.textOf(node)})` : String(node.pack.length);
      }
      case "sP": {
        this.at += 2;
        let count = 0;
        while (!this.take("E")) {
          const node = this.templateArgument();
          count += node.pack?.length ?? 1;
        }
        return String(count);
      }
      case "cv": {
        this.at += 2;
        const type = this.textOf(this.type());
        if (this.take("_")) return `(${type})(${this.#expressions()})`;
        return `(${type})${this.#operand()}`;
      }
      case "tl": {
        this.at += 2;
        const type = this.textOf(this.type());
        return `${type}{${this.#expressions()}}`;
      }
      case "il":
        this.at += 2;
        return `{${this.#expressions()}}`;
      case "cl":
      case "cp": {
        this.at += 2;
        const called = this.#operand();
        return `${called}(${this.#expressions()})`;
      }
      case "dc":
      case "sc":
      case "cc":
      case "rc": {
        this.at += 2;
        const type = this.textOf(this.type());
        const cast = { dc: "dynamic", sc: "static", cc: "const", rc: "reinterpret" }[code];
        return `${cast}_cast<${type}>(${this.expression()})`;
      }
      case "dt":
      case "pt": {
        this.at += 2;
        const left = this.#operand();
        return `${left}${code === "dt" ? "." : "->"}${this.#memberName()}`;
      }
      case "ix": {
        this.at += 2;
        const left = this.#operand();
        return `${left}[${this.expression()}]`;
      }
      case "qu": {
        this.at += 2;
        const condition = this.#operand();
        const yes = this.#operand();
        return `${condition}?${yes} : ${this.#operand()}`;
      }
      case "nw":
      case "na":
        return this.#newExpression();
      case "dl":
      case "da":
        this.at += 2;
        return `delete${code === "da" ? "[]" : ""} ${this.#operand()}`;
      case "tw":
        this.at += 2;
        return `throw ${this.expression()}`;
      case "tr":
        this.at += 2;
        return "throw";
      case "fl":
      case "fr":
      case "fL":
      case "fR":
        return this.#fold(code);
    }
    const operator = OPERATORS.get(code);
    if (operator === undefined || operator[1] === "own") {
      if (/[0-9]/.test(c) || c === "U" || c === "N" || c === "Z" || c === "S") return this.#withArguments(this.name(false).text);
      throw new Malformed();
    }
    this.at += 2;
    const [sign, form] = operator;
    if (code === "ad" && /^L_ZN[^KV]/.test(this.text.slice(this.at, this.at + 5))) return `&${this.#memberAddressed()}`;
    if (form === "prefix") return `${sign}${this.#operand()}`;
    if (form === "postfix") return this.take("_") ? `${sign}${this.#operand()}` : `${this.#operand()}${sign}`;
    const left = this.#operand();
    const text = `${left}${sign}${this.#operand()}`;
    return sign === ">" ? `(${text})` : text;
  }

  #fold(code: string): string {
    this.at += 2;
    const sign = OPERATORS.get(this.text.slice(this.at, this.at + 2))?.[0];
    if (sign === undefined) throw new Malformed();
    this.at += 2;
    const first = this.#operand();
    if (code === "fl") return `(...${sign}${first})`;
    if (code === "fr") return `(${first}${sign}...)`;
    return `(${first}${sign}...${sign}${this.#operand()})`;
  }

  #newExpression(): string {
    const array = this.next() === "n" && this.next() === "a";
    const placement: string[] = [];
    while (!this.take("_")) placement.push(this.expression());
    const type = this.textOf(this.type());
    const made = `new${array ? "[]" : ""} ${placement.length > 0 ? `(${placement.join(", ")}) ` : ""}${type}`;
    if (this.take("E")) return made;
    if (this.take("pi")) return `${made}(${this.#expressions()})`;
    return `${made}${this.expression()}`;
  }

  #parameter(): string {
    this.at++;
    if (this.take("L")) this.number();
    if (!this.take("p")) throw new Malformed();
    if (this.take("T")) return "this";
    this.cvQualifiers();
    return `{parm#${this.sequence() + 1}}`;
  }

  #withArguments(name: string): string {
    return this.peek() === "I" ? this.bounded(name + this.templateArguments(false)) : name;
  }

  #memberName(): string {
    if (this.text.startsWith("sr", this.at) || this.text.startsWith("gs", this.at)) return this.expression();
    this.take("on");
    if (this.take("dn")) return `~${/[0-9]/.test(this.peek()) ? this.#withArguments(this.sourceName()) : this.textOf(this.type())}`;
    return this.#withArguments(this.unqualifiedName("").text);
  }

  /** `sr <type> <name>`, `srN <type> <qualifier>… E <name>`, `sr <qualifier>… E <name>`. */
  #scoped(): string {
    this.at += 2;
    let text: string;
    if (this.take("N")) {
      text = this.textOf(this.type());
      while (!this.take("E")) text = this.bounded(`${text}::${this.#withArguments(this.sourceName())}`);
    } else if (/[0-9]/.test(this.peek())) {
      // GNU's compilers write the class as a type; a list of qualifiers ends with an E.
      const start = this.at;
      const before = this.substitutions.length;
      text = this.#withArguments(this.sourceName());
      let isList = true;
      while (/[0-9]/.test(this.peek())) text = this.bounded(`${text}::${this.#withArguments(this.sourceName())}`);
      if (!this.take("E")) isList = false;
      if (!isList) {
        this.at = start;
        this.substitutions.length = before;
        text = this.textOf(this.type());
      }
    } else text = this.textOf(this.type());
    return this.bounded(`${text}::${this.#memberName()}`);
  }

  protected literal(): string {
    this.at++;
    if (this.peek() === "_" || this.peek() === "Z") {
      // The name of a function or an object.
      this.take("_");
      if (!this.take("Z")) throw new Malformed();
      const outer = this.templateParameters;
      const text = this.encoding();
      this.templateParameters = outer;
      if (!this.take("E")) throw new Malformed();
      return text;
    }
    const type = this.textOf(this.type());
    if (type === "decltype(nullptr)" && (this.take("E") || this.take("0E"))) return "(decltype(nullptr))0";
    const end = this.text.indexOf("E", this.at);
    if (end < 0) throw new Malformed();
    let value = this.text.slice(this.at, end);
    this.at = end + 1;
    if (!/^n?[0-9a-f_]*$/.test(value)) throw new Malformed();
    if (type === "bool" && (value === "0" || value === "1")) return value === "1" ? "true" : "false";
    const negative = value.startsWith("n");
    if (negative) value = `-${value.slice(1)}`;
    const suffix = LITERAL_SUFFIXES[type];
    if (suffix !== undefined) return value + suffix;
    if (/^(?:float|double|long double|__float128)$/.test(type)) return `(${type})[${value}]`;
    return `(${type})${value}`;
  }
}

/** Stand for arguments that are read later. */
const PLACEHOLDERS: readonly Node[] = Array.from({ length: 64 }, () => ({ left: "auto", right: "" }));
