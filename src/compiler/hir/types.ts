/**
 * The handler's tree after the front end: JavaScript's own meaning, desugared, names resolved, without types.
 * It is plain JSON (bigints as decimal text), so it is what the cache of compiled scripts keeps.
 * Types come later, bottom up, from the captures' values (`lower/`), because a schema is a value of the script.
 *
 * Desugared by the front end: destructuring (into `let`s of `member`/`index`/`default`), arrow bodies (into `return`),
 * `null` in comparisons, `for…of` stays, `switch` stays, compound assignment stays.
 */

/** Offsets into the text of the file of the function that holds the node. */
export type Span = readonly [start: number, end: number];

export type Expr = { readonly span: Span } & (
  | { readonly k: "int"; readonly value: string }
  /** A literal `1n`: legal only in u64(), i64() and sinks. */
  | { readonly k: "bigint"; readonly value: string }
  /** `1.5`: an error wherever it is computed with; kept so that the message can name it. */
  | { readonly k: "float"; readonly text: string }
  | { readonly k: "bool"; readonly value: boolean }
  | { readonly k: "string"; readonly value: string }
  | { readonly k: "undefined" }
  | { readonly k: "local"; readonly id: number; readonly name: string }
  /** Index into the handler's `captures`. */
  | { readonly k: "capture"; readonly id: number }
  /** A name of the vocabulary (`str`, `u32`, `print`, `struct`), or a global that handlers may use (`Math`, `Number`, `undefined`-tested). */
  | { readonly k: "builtin"; readonly name: string }
  /** Index into the handler's `functions`: a helper, or a function literal handed to one. */
  | { readonly k: "function"; readonly id: number }
  | { readonly k: "unary"; readonly op: "-" | "+" | "!" | "~"; readonly operand: Expr }
  | { readonly k: "binary"; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr }
  | { readonly k: "logical"; readonly op: "&&" | "||" | "??"; readonly left: Expr; readonly right: Expr }
  | { readonly k: "conditional"; readonly test: Expr; readonly then: Expr; readonly else: Expr }
  /** `op` "=" or the operator of `+=` and so on ("+"), or "&&" "||" "??" for `&&=` …; target: local, member or index. */
  | { readonly k: "assign"; readonly op: "=" | BinaryOp | "&&" | "||" | "??"; readonly target: Expr; readonly value: Expr }
  | { readonly k: "update"; readonly op: "++" | "--"; readonly prefix: boolean; readonly target: Expr }
  | { readonly k: "member"; readonly object: Expr; readonly name: string; readonly optional: boolean; readonly nameSpan: Span }
  | { readonly k: "index"; readonly object: Expr; readonly index: Expr; readonly optional: boolean }
  | { readonly k: "call"; readonly callee: Expr; readonly args: readonly Expr[]; readonly optional: boolean }
  /** The end of an optional chain: if a `?.` inside found undefined, the whole is undefined. */
  | { readonly k: "chain"; readonly inner: Expr }
  | { readonly k: "object"; readonly properties: readonly { readonly name: string; readonly value: Expr }[] }
  /** `{ ...a, b }` */
  | { readonly k: "spread"; readonly base: Expr; readonly over: Expr }
  | { readonly k: "array"; readonly items: readonly Expr[] }
  /** `` tag`a${x}b` ``; a tag that isn't `print` is an error already. */
  | { readonly k: "tagged"; readonly tag: Expr; readonly texts: readonly string[]; readonly values: readonly Expr[] }
  /** `` `a${x}b` `` untagged: legal only where all values are constant. */
  | { readonly k: "template"; readonly texts: readonly string[]; readonly values: readonly Expr[] }
  | { readonly k: "comma"; readonly first: Expr; readonly second: Expr }
  /** value === undefined ? otherwise : value */
  | { readonly k: "default"; readonly value: Expr; readonly otherwise: Expr }
  /** `void x` */
  | { readonly k: "void"; readonly operand: Expr }
  /** `x as Ptr<T>`: the only cast with a meaning; `type` is the type's name in the target, behind a "*" for each further pointer. */
  | { readonly k: "cast"; readonly value: Expr; readonly type: string }
);

export type BinaryOp = "+" | "-" | "*" | "/" | "%" | "**" | "<<" | ">>" | ">>>" | "&" | "|" | "^" | "<" | "<=" | ">" | ">=" | "===" | "!==";

export type Stmt = { readonly span: Span } & (
  | { readonly k: "let"; readonly local: number; readonly init: Expr | undefined }
  | { readonly k: "expr"; readonly expr: Expr }
  | { readonly k: "if"; readonly test: Expr; readonly then: readonly Stmt[]; readonly else: readonly Stmt[] }
  /** Clauses in order; `test` undefined is `default`; control falls through unless a `break` ends it. */
  | {
      readonly k: "switch";
      readonly value: Expr;
      readonly clauses: readonly { readonly test: Expr | undefined; readonly body: readonly Stmt[] }[];
      readonly label: number;
    }
  /** `while` and `for`: while (test) { body; update }. `label` is what break and continue name. */
  | {
      readonly k: "loop";
      readonly init: readonly Stmt[];
      readonly test: Expr | undefined;
      readonly update: Expr | undefined;
      readonly body: readonly Stmt[];
      readonly label: number;
      readonly doFirst: boolean;
    }
  | { readonly k: "forOf"; readonly local: number; readonly of: Expr; readonly bind: readonly Stmt[]; readonly body: readonly Stmt[]; readonly label: number }
  | { readonly k: "break"; readonly label: number }
  | { readonly k: "continue"; readonly label: number }
  | { readonly k: "return"; readonly value: Expr | undefined }
  | { readonly k: "block"; readonly body: readonly Stmt[] }
);

export interface Local {
  readonly name: string;
  /** Assigned after its initialiser. */
  readonly mutable: boolean;
  readonly span: Span;
}

/** A function: a handler, a helper, or a literal. Parameters are locals; destructured ones get a local and `let`s at the body's head. */
export interface FunctionHir {
  readonly name: string;
  /** Index into the unit's `files`. */
  readonly file: number;
  readonly params: readonly number[];
  readonly locals: readonly Local[];
  readonly body: readonly Stmt[];
  /**
   * Locals of enclosing functions that this one uses (a literal handed to a helper, a function inside a handler):
   * its own local `local` stands for the local `outer` of the function `function`, which is running when this one is called.
   */
  readonly outer?: readonly { readonly local: number; readonly function: number; readonly outer: number }[];
  readonly span: Span;
}

/** A name that a handler uses and doesn't declare. Read when the session arms. */
export interface Capture {
  readonly name: string;
  /** `config.limits.max` is captured by path. */
  readonly path: readonly string[];
  readonly file: number;
  readonly span: Span;
  /** Top-level names are asked of the module that declares them; inner ones of the registration itself. */
  readonly from: { readonly kind: "module"; readonly file: number } | { readonly kind: "registration" };
  /** What the front end can tell without running the script (for `check`). */
  readonly known: StaticValue;
}

/** What is known of a value before the script runs. */
export type StaticValue =
  | { readonly kind: "unknown" }
  | { readonly kind: "int"; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  /** A parameter of the script, or anything else of this type whose value is only known later. */
  | { readonly kind: "someInt" }
  | { readonly kind: "someBool" }
  | { readonly kind: "someString" }
  /** Made by the vocabulary: `hash(u32, count())` as a call tree of its names and constants. */
  | { readonly kind: "call"; readonly name: string; readonly args: readonly StaticValue[] }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "object"; readonly properties: readonly { readonly name: string; readonly value: StaticValue }[] }
  | { readonly kind: "array"; readonly items: readonly StaticValue[] };

/** The three shapes of handlers; indices into `functions`. */
export type HandlerShape =
  | { readonly kind: "hit"; readonly run: number }
  | { readonly kind: "call"; readonly enter: number; readonly leave: number }
  | { readonly kind: "instruction"; readonly before?: number; readonly after?: number; readonly fault?: number };

/** A handler with all that it reaches. `register` is the function of the vocabulary that it was given to. */
export interface HandlerHir {
  readonly id: number;
  readonly register: "uprobe" | "uretprobe" | "usdt" | "tracepoint" | "interval" | "profile";
  readonly shape: HandlerShape;
  readonly functions: readonly FunctionHir[];
  readonly captures: readonly Capture[];
  /** The literal targets of the registration, where they can be told (for `check` and prototypes). */
  readonly targets: readonly string[] | undefined;
  readonly file: number;
  readonly span: Span;
}

/** A script and the TypeScript modules that it imports, compiled: what the cache keeps. */
export interface ScriptUnit {
  /** files[0] is the script itself. `code` is JavaScript, lines as in `text`. */
  readonly files: readonly UnitFile[];
  readonly handlers: readonly HandlerHir[];
}

export interface UnitFile {
  /** Absolute path, or "-e". */
  readonly path: string;
  readonly text: string;
  readonly code: string;
}
