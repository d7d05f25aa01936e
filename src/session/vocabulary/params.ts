/** The script's parameters: declared by `param()` with a default that gives the type, set from outside as text or value. */
import { ExitStatus, SondeError } from "../../errors/error.ts";

export interface ParamDeclaration {
  readonly name: string;
  readonly type: "number" | "boolean" | "string";
  readonly otherwise: string | number | boolean;
  readonly help: string | undefined;
}

export type ParamValues = { readonly [name: string]: string | number | boolean };

function refuse(declaration: ParamDeclaration, value: unknown): never {
  throw new SondeError("SONDE_PARAM_VALUE", `the parameter ${declaration.name} is ${JSON.stringify(value)}, which is no ${declaration.type}`, {
    mend: `Give it as --${declaration.name}=${declaration.otherwise}.`,
    exit: ExitStatus.usage,
  });
}

function typed(declaration: ParamDeclaration, value: string | number | boolean): string | number | boolean {
  if (typeof value === declaration.type) return value;
  if (declaration.type === "string") return String(value);
  if (declaration.type === "boolean")
    return value === "true" || value === "1" || value === 1 ? true : value === "false" || value === "0" || value === 0 ? false : refuse(declaration, value);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value.replaceAll("_", "")) : Number.NaN;
  return Number.isFinite(number) ? number : refuse(declaration, value);
}

export class Params {
  readonly #values: ParamValues;
  readonly #declared = new Map<string, ParamDeclaration>();

  constructor(values: ParamValues) {
    this.#values = values;
  }
  get declared(): readonly ParamDeclaration[] {
    return [...this.#declared.values()];
  }
  declare(name: unknown, otherwise: unknown, help: unknown): string | number | boolean {
    if (typeof name !== "string" || !/^[A-Za-z][\w-]*$/.test(name))
      throw new SondeError("SONDE_OPTION", `param(${JSON.stringify(name)}): a name is letters, digits, - and _`);
    if (typeof otherwise !== "number" && typeof otherwise !== "boolean" && typeof otherwise !== "string") {
      throw new SondeError("SONDE_OPTION", `param("${name}"): the default is a number, a text, true or false`, {
        why: "the default's type is the parameter's type",
      });
    }
    const declaration: ParamDeclaration = {
      name,
      type: typeof otherwise as ParamDeclaration["type"],
      otherwise,
      help: typeof help === "string" ? help : undefined,
    };
    this.#declared.set(name, declaration);
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return value === undefined ? otherwise : typed(declaration, value);
  }
  /** After the script has loaded: what was given and never declared is a mistake of who gave it. */
  refuseUnknown(): void {
    const unknown = Object.keys(this.#values).filter((name) => !this.#declared.has(name));
    if (unknown.length === 0) return;
    const names = [...this.#declared.keys()];
    throw new SondeError("SONDE_PARAM_UNKNOWN", `the script has no parameter ${unknown.join(", ")}`, {
      mend: names.length === 0 ? "It declares none; param(name, default, help) declares one." : `It has: ${names.join(", ")}.`,
      exit: ExitStatus.usage,
    });
  }
}
