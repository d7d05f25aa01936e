/** The language's own globals, as far as checking handlers and light host code needs them: loose where nothing is lost by it. */
interface Object { constructor: Function; toString(): string; toLocaleString(): string; valueOf(): Object; hasOwnProperty(name: PropertyKey): boolean }
interface ObjectConstructor {
  new (value?: any): Object; (value?: any): any; readonly prototype: Object;
  keys(of: object): string[];
  values<T>(of: { [key: string]: T } | ArrayLike<T>): T[]; values(of: {}): any[];
  entries<T>(of: { [key: string]: T } | ArrayLike<T>): [string, T][]; entries(of: {}): [string, any][];
  fromEntries<T = any>(entries: Iterable<readonly [PropertyKey, T]>): { [key: string]: T };
  assign<T extends {}, U>(to: T, from: U): T & U; assign(to: object, ...from: any[]): any;
  freeze<const T>(of: T): Readonly<T>; seal<T>(of: T): T; isFrozen(of: any): boolean;
  create(prototype: object | null, properties?: any): any; defineProperty<T>(of: T, key: PropertyKey, how: any): T; defineProperties<T>(of: T, how: any): T;
  getPrototypeOf(of: any): any; setPrototypeOf(of: any, to: object | null): any; getOwnPropertyNames(of: any): string[]; getOwnPropertyDescriptor(of: any, key: PropertyKey): any; getOwnPropertyDescriptors(of: any): any; getOwnPropertySymbols(of: any): symbol[];
  is(a: any, b: any): boolean; hasOwn(of: object, key: PropertyKey): boolean; groupBy<K extends PropertyKey, T>(items: Iterable<T>, by: (item: T, index: number) => K): Partial<Record<K, T[]>>;
}
declare var Object: ObjectConstructor;
interface Function { apply(self: any, args?: any): any; call(self: any, ...args: any[]): any; bind(self: any, ...args: any[]): any; readonly name: string; readonly length: number; prototype: any; [Symbol.hasInstance](value: any): boolean }
interface FunctionConstructor { new (...parts: string[]): Function; (...parts: string[]): Function; readonly prototype: Function }
declare var Function: FunctionConstructor;
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments { [index: number]: any; length: number; callee: Function; [Symbol.iterator](): IterableIterator<any> }
type PropertyKey = string | number | symbol;

type Partial<T> = { [P in keyof T]?: T[P] };
type Required<T> = { [P in keyof T]-?: T[P] };
type Readonly<T> = { readonly [P in keyof T]: T[P] };
type Pick<T, K extends keyof T> = { [P in K]: T[P] };
type Record<K extends keyof any, T> = { [P in K]: T };
type Exclude<T, U> = T extends U ? never : T;
type Extract<T, U> = T extends U ? T : never;
type Omit<T, K extends keyof any> = Pick<T, Exclude<keyof T, K>>;
type NonNullable<T> = T & {};
type Parameters<T extends (...args: any) => any> = T extends (...args: infer P) => any ? P : never;
type ReturnType<T extends (...args: any) => any> = T extends (...args: any) => infer R ? R : any;
type ConstructorParameters<T extends abstract new (...args: any) => any> = T extends abstract new (...args: infer P) => any ? P : never;
type InstanceType<T extends abstract new (...args: any) => any> = T extends abstract new (...args: any) => infer R ? R : any;
type Awaited<T> = T extends null | undefined ? T : T extends object & { then(done: infer F, ...rest: infer _): any } ? (F extends (value: infer V, ...rest: infer _) => any ? Awaited<V> : never) : T;
type Uppercase<S extends string> = intrinsic;
type Lowercase<S extends string> = intrinsic;
type Capitalize<S extends string> = intrinsic;
type Uncapitalize<S extends string> = intrinsic;
type NoInfer<T> = intrinsic;
interface ThisType<T> {}
interface WeakKeyTypes { object: object; symbol: symbol }
type WeakKey = WeakKeyTypes[keyof WeakKeyTypes];

interface Symbol { readonly description: string | undefined; toString(): string; valueOf(): symbol }
interface SymbolConstructor {
  (description?: string | number): symbol; for(key: string): symbol;
  readonly iterator: unique symbol; readonly asyncIterator: unique symbol; readonly hasInstance: unique symbol; readonly toPrimitive: unique symbol;
  readonly toStringTag: unique symbol; readonly dispose: unique symbol; readonly asyncDispose: unique symbol; readonly species: unique symbol;
}
declare var Symbol: SymbolConstructor;

interface IteratorYieldResult<T> { done?: false; value: T }
interface IteratorReturnResult<R> { done: true; value: R }
type IteratorResult<T, R = any> = IteratorYieldResult<T> | IteratorReturnResult<R>;
interface Iterator<T, R = any, N = any> { next(...given: [] | [N]): IteratorResult<T, R>; return?(value?: R): IteratorResult<T, R>; throw?(error?: any): IteratorResult<T, R> }
interface Iterable<T, R = any, N = any> { [Symbol.iterator](): Iterator<T, R, N> }
interface IterableIterator<T, R = any, N = any> extends Iterator<T, R, N> { [Symbol.iterator](): IterableIterator<T, R, N> }
interface IteratorObject<T, R = unknown, N = unknown> extends Iterator<T, R, N> {
  [Symbol.iterator](): IteratorObject<T, R, N>;
  map<U>(f: (value: T, index: number) => U): IteratorObject<U>; filter(f: (value: T, index: number) => unknown): IteratorObject<T>; take(n: number): IteratorObject<T>; drop(n: number): IteratorObject<T>;
  flatMap<U>(f: (value: T, index: number) => Iterable<U>): IteratorObject<U>; reduce<U>(f: (sum: U, value: T, index: number) => U, initial: U): U; toArray(): T[]; forEach(f: (value: T, index: number) => void): void;
  some(f: (value: T, index: number) => unknown): boolean; every(f: (value: T, index: number) => unknown): boolean; find(f: (value: T, index: number) => unknown): T | undefined;
}
interface ArrayIterator<T> extends IteratorObject<T, any, unknown> { [Symbol.iterator](): ArrayIterator<T> }
interface Generator<T = unknown, R = any, N = any> extends IteratorObject<T, R, N> { next(...given: [] | [N]): IteratorResult<T, R>; return(value: R): IteratorResult<T, R>; throw(error: any): IteratorResult<T, R>; [Symbol.iterator](): Generator<T, R, N> }
interface AsyncIterator<T, R = any, N = any> { next(...given: [] | [N]): Promise<IteratorResult<T, R>>; return?(value?: R | PromiseLike<R>): Promise<IteratorResult<T, R>>; throw?(error?: any): Promise<IteratorResult<T, R>> }
interface AsyncIterable<T, R = any, N = any> { [Symbol.asyncIterator](): AsyncIterator<T, R, N> }
interface AsyncIterableIterator<T, R = any, N = any> extends AsyncIterator<T, R, N> { [Symbol.asyncIterator](): AsyncIterableIterator<T, R, N> }
interface AsyncIteratorObject<T, R = unknown, N = unknown> extends AsyncIterator<T, R, N> { [Symbol.asyncIterator](): AsyncIteratorObject<T, R, N> }
interface AsyncGenerator<T = unknown, R = any, N = any> extends AsyncIteratorObject<T, R, N> { next(...given: [] | [N]): Promise<IteratorResult<T, R>>; return(value: R | PromiseLike<R>): Promise<IteratorResult<T, R>>; throw(error: any): Promise<IteratorResult<T, R>>; [Symbol.asyncIterator](): AsyncGenerator<T, R, N> }
interface Disposable { [Symbol.dispose](): void }
interface AsyncDisposable { [Symbol.asyncDispose](): PromiseLike<void> }

interface PromiseLike<T> { then<A = T, B = never>(done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: any) => B | PromiseLike<B>) | null): PromiseLike<A | B> }
interface Promise<T> {
  then<A = T, B = never>(done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: any) => B | PromiseLike<B>) | null): Promise<A | B>;
  catch<B = never>(failed?: ((reason: any) => B | PromiseLike<B>) | null): Promise<T | B>; finally(run?: (() => void) | null): Promise<T>; readonly [Symbol.toStringTag]: string;
}
interface PromiseConstructor {
  readonly prototype: Promise<any>; new <T>(run: (resolve: (value: T | PromiseLike<T>) => void, reject: (reason?: any) => void) => void): Promise<T>;
  all<T extends readonly unknown[] | []>(of: T): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }>; all<T>(of: Iterable<T | PromiseLike<T>>): Promise<Awaited<T>[]>;
  allSettled(of: Iterable<any>): Promise<any[]>; race<T>(of: Iterable<T | PromiseLike<T>>): Promise<Awaited<T>>; any<T>(of: Iterable<T | PromiseLike<T>>): Promise<Awaited<T>>;
  resolve(): Promise<void>; resolve<T>(value: T | PromiseLike<T>): Promise<Awaited<T>>; reject<T = never>(reason?: any): Promise<T>; withResolvers<T>(): { promise: Promise<T>; resolve(value: T | PromiseLike<T>): void; reject(reason?: any): void };
}
declare var Promise: PromiseConstructor;

interface Boolean { valueOf(): boolean }
interface BooleanConstructor { new (value?: any): Boolean; <T>(value?: T): boolean }
declare var Boolean: BooleanConstructor;
interface Number { toString(radix?: number): string; toFixed(digits?: number): string; toExponential(digits?: number): string; toPrecision(digits?: number): string; toLocaleString(locales?: any, options?: any): string; valueOf(): number }
interface NumberConstructor {
  new (value?: any): Number; (value?: any): number; readonly MAX_VALUE: number; readonly MIN_VALUE: number; readonly NaN: number; readonly EPSILON: number; readonly POSITIVE_INFINITY: number; readonly NEGATIVE_INFINITY: number;
  readonly MAX_SAFE_INTEGER: number; readonly MIN_SAFE_INTEGER: number; isFinite(n: unknown): boolean; isInteger(n: unknown): boolean; isNaN(n: unknown): boolean; isSafeInteger(n: unknown): boolean; parseFloat(text: string): number; parseInt(text: string, radix?: number): number;
}
declare var Number: NumberConstructor;
interface BigInt { toString(radix?: number): string; toLocaleString(locales?: any, options?: any): string; valueOf(): bigint }
interface BigIntConstructor { (value: bigint | boolean | number | string): bigint; asIntN(bits: number, n: bigint): bigint; asUintN(bits: number, n: bigint): bigint }
declare var BigInt: BigIntConstructor;
interface Math {
  readonly E: number; readonly LN10: number; readonly LN2: number; readonly LOG2E: number; readonly LOG10E: number; readonly PI: number; readonly SQRT1_2: number; readonly SQRT2: number;
  abs(x: number): number; acos(x: number): number; acosh(x: number): number; asin(x: number): number; asinh(x: number): number; atan(x: number): number; atan2(y: number, x: number): number; atanh(x: number): number; cbrt(x: number): number; ceil(x: number): number; clz32(x: number): number;
  cos(x: number): number; cosh(x: number): number; exp(x: number): number; expm1(x: number): number; floor(x: number): number; fround(x: number): number; hypot(...x: number[]): number; imul(x: number, y: number): number; log(x: number): number; log1p(x: number): number; log10(x: number): number; log2(x: number): number;
  max(...x: number[]): number; min(...x: number[]): number; pow(x: number, y: number): number; random(): number; round(x: number): number; sign(x: number): number; sin(x: number): number; sinh(x: number): number; sqrt(x: number): number; tan(x: number): number; tanh(x: number): number; trunc(x: number): number;
}
declare var Math: Math;

interface String {
  readonly length: number; readonly [index: number]: string; toString(): string; valueOf(): string; [Symbol.iterator](): ArrayIterator<string>;
  at(index: number): string | undefined; charAt(index: number): string; charCodeAt(index: number): number; codePointAt(index: number): number | undefined; concat(...more: string[]): string;
  includes(what: string, from?: number): boolean; startsWith(what: string, from?: number): boolean; endsWith(what: string, end?: number): boolean; indexOf(what: string, from?: number): number; lastIndexOf(what: string, from?: number): number;
  localeCompare(other: string, locales?: any, options?: any): number; normalize(form?: string): string; match(what: any): any; matchAll(what: any): any; search(what: any): number; replace(what: any, by: any): string; replaceAll(what: any, by: any): string;
  slice(start?: number, end?: number): string; substring(start: number, end?: number): string; substr(start: number, length?: number): string; split(by: any, limit?: number): string[];
  toLowerCase(): string; toUpperCase(): string; toLocaleLowerCase(locales?: any): string; toLocaleUpperCase(locales?: any): string; trim(): string; trimStart(): string; trimEnd(): string; padStart(length: number, by?: string): string; padEnd(length: number, by?: string): string; repeat(n: number): string; isWellFormed(): boolean; toWellFormed(): string;
}
interface StringConstructor { new (value?: any): String; (value?: any): string; fromCharCode(...codes: number[]): string; fromCodePoint(...codes: number[]): string; raw(texts: { raw: readonly string[] }, ...values: any[]): string }
declare var String: StringConstructor;
interface TemplateStringsArray extends ReadonlyArray<string> { readonly raw: readonly string[] }
interface RegExp { exec(text: string): any; test(text: string): boolean; readonly source: string; readonly flags: string; readonly global: boolean; lastIndex: number; [other: string]: any }
interface RegExpConstructor { new (pattern: RegExp | string, flags?: string): RegExp; (pattern: RegExp | string, flags?: string): RegExp; [other: string]: any }
declare var RegExp: RegExpConstructor;

interface ArrayLike<T> { readonly length: number; readonly [index: number]: T }
interface ConcatArray<T> { readonly length: number; readonly [index: number]: T; join(by?: string): string; slice(start?: number, end?: number): T[] }
interface ReadonlyArray<T> {
  readonly length: number; readonly [index: number]: T; toString(): string; [Symbol.iterator](): ArrayIterator<T>;
  at(index: number): T | undefined; concat(...more: (T | ConcatArray<T>)[]): T[]; join(by?: string): string; slice(start?: number, end?: number): T[]; includes(what: T, from?: number): boolean; indexOf(what: T, from?: number): number; lastIndexOf(what: T, from?: number): number;
  every<S extends T>(f: (value: T, index: number, all: readonly T[]) => value is S): this is readonly S[]; every(f: (value: T, index: number, all: readonly T[]) => unknown): boolean; some(f: (value: T, index: number, all: readonly T[]) => unknown): boolean;
  forEach(f: (value: T, index: number, all: readonly T[]) => void): void; map<U>(f: (value: T, index: number, all: readonly T[]) => U): U[];
  filter<S extends T>(f: (value: T, index: number, all: readonly T[]) => value is S): S[]; filter(f: (value: T, index: number, all: readonly T[]) => unknown): T[];
  find<S extends T>(f: (value: T, index: number, all: readonly T[]) => value is S): S | undefined; find(f: (value: T, index: number, all: readonly T[]) => unknown): T | undefined; findIndex(f: (value: T, index: number, all: readonly T[]) => unknown): number; findLast(f: (value: T, index: number, all: readonly T[]) => unknown): T | undefined; findLastIndex(f: (value: T, index: number, all: readonly T[]) => unknown): number;
  reduce(f: (sum: T, value: T, index: number, all: readonly T[]) => T): T; reduce<U>(f: (sum: U, value: T, index: number, all: readonly T[]) => U, initial: U): U; reduceRight<U>(f: (sum: U, value: T, index: number, all: readonly T[]) => U, initial: U): U;
  flat(depth?: number): any[]; flatMap<U>(f: (value: T, index: number, all: readonly T[]) => U | readonly U[]): U[]; entries(): ArrayIterator<[number, T]>; keys(): ArrayIterator<number>; values(): ArrayIterator<T>;
  toReversed(): T[]; toSorted(by?: (a: T, b: T) => number): T[]; toSpliced(start: number, remove?: number, ...items: T[]): T[]; with(index: number, value: T): T[];
}
interface Array<T> extends ReadonlyArray<T> {
  length: number; [index: number]: T; push(...items: T[]): number; pop(): T | undefined; shift(): T | undefined; unshift(...items: T[]): number; reverse(): T[]; sort(by?: (a: T, b: T) => number): this; splice(start: number, remove?: number, ...items: T[]): T[];
  fill(value: T, start?: number, end?: number): this; copyWithin(to: number, start: number, end?: number): this;
}
interface ArrayConstructor { new <T = any>(length?: number): T[]; new <T>(...items: T[]): T[]; <T = any>(length?: number): T[]; <T>(...items: T[]): T[]; isArray(value: any): value is any[]; from<T>(of: Iterable<T> | ArrayLike<T>): T[]; from<T, U>(of: Iterable<T> | ArrayLike<T>, f: (value: T, index: number) => U): U[]; fromAsync<T>(of: AsyncIterable<T> | Iterable<T>): Promise<T[]>; of<T>(...items: T[]): T[] }
declare var Array: ArrayConstructor;

interface ReadonlyMap<K, V> extends Iterable<[K, V]> { get(key: K): V | undefined; has(key: K): boolean; forEach(f: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void; readonly size: number; entries(): ArrayIterator<[K, V]>; keys(): ArrayIterator<K>; values(): ArrayIterator<V>; [Symbol.iterator](): ArrayIterator<[K, V]> }
interface Map<K, V> extends ReadonlyMap<K, V> { set(key: K, value: V): this; delete(key: K): boolean; clear(): void }
interface MapConstructor { new <K = any, V = any>(of?: Iterable<readonly [K, V]> | null): Map<K, V>; groupBy<K, T>(items: Iterable<T>, by: (item: T, index: number) => K): Map<K, T[]> }
declare var Map: MapConstructor;
interface ReadonlySet<T> extends Iterable<T> { has(value: T): boolean; forEach(f: (value: T, again: T, set: ReadonlySet<T>) => void): void; readonly size: number; entries(): ArrayIterator<[T, T]>; keys(): ArrayIterator<T>; values(): ArrayIterator<T>; [Symbol.iterator](): ArrayIterator<T>; union<U>(other: any): Set<T | U>; intersection<U>(other: any): Set<T & U>; difference(other: any): Set<T>; isSubsetOf(other: any): boolean; isSupersetOf(other: any): boolean; isDisjointFrom(other: any): boolean }
interface Set<T> extends ReadonlySet<T> { add(value: T): this; delete(value: T): boolean; clear(): void }
interface SetConstructor { new <T = any>(of?: Iterable<T> | null): Set<T> }
declare var Set: SetConstructor;
interface WeakMap<K extends WeakKey, V> { get(key: K): V | undefined; has(key: K): boolean; set(key: K, value: V): this; delete(key: K): boolean }
declare var WeakMap: { new <K extends WeakKey = WeakKey, V = any>(of?: Iterable<readonly [K, V]> | null): WeakMap<K, V> };
interface WeakSet<T extends WeakKey> { has(value: T): boolean; add(value: T): this; delete(value: T): boolean }
declare var WeakSet: { new <T extends WeakKey = WeakKey>(of?: Iterable<T> | null): WeakSet<T> };
interface WeakRef<T extends WeakKey> { deref(): T | undefined }
declare var WeakRef: { new <T extends WeakKey>(of: T): WeakRef<T> };

interface Error { name: string; message: string; stack?: string; cause?: unknown; [other: string]: any }
interface ErrorConstructor { new (message?: string, options?: { cause?: unknown }): Error; (message?: string, options?: { cause?: unknown }): Error; readonly prototype: Error; [other: string]: any }
declare var Error: ErrorConstructor, TypeError: ErrorConstructor, RangeError: ErrorConstructor, SyntaxError: ErrorConstructor, ReferenceError: ErrorConstructor, EvalError: ErrorConstructor, URIError: ErrorConstructor, AggregateError: any, SuppressedError: any;
interface Date { getTime(): number; toISOString(): string; [other: string]: any }
declare var Date: { new (...parts: any[]): Date; (): string; now(): number; parse(text: string): number; UTC(...parts: number[]): number };
interface JSON { parse(text: string, revive?: (this: any, key: string, value: any) => any): any; stringify(value: any, replace?: any, space?: string | number): string }
declare var JSON: JSON;
interface ArrayBufferLike { readonly byteLength: number; slice(start: number, end?: number): ArrayBuffer }
interface ArrayBuffer extends ArrayBufferLike { [other: string]: any }
declare var ArrayBuffer: { new (length: number, options?: any): ArrayBuffer; isView(value: any): boolean }, SharedArrayBuffer: { new (length: number, options?: any): ArrayBuffer };
interface TypedArray<N, Self> {
  readonly buffer: ArrayBuffer; readonly byteLength: number; readonly byteOffset: number; readonly length: number; readonly BYTES_PER_ELEMENT: number; [index: number]: N; [Symbol.iterator](): ArrayIterator<N>;
  at(index: number): N | undefined; set(from: ArrayLike<N>, at?: number): void; slice(start?: number, end?: number): Self; subarray(start?: number, end?: number): Self; fill(value: N, start?: number, end?: number): Self; indexOf(what: N, from?: number): number; includes(what: N, from?: number): boolean; join(by?: string): string;
  map(f: (value: N, index: number) => N): Self; filter(f: (value: N, index: number) => unknown): Self; forEach(f: (value: N, index: number) => void): void; find(f: (value: N, index: number) => unknown): N | undefined; findIndex(f: (value: N, index: number) => unknown): number; every(f: (value: N, index: number) => unknown): boolean; some(f: (value: N, index: number) => unknown): boolean; reduce<U>(f: (sum: U, value: N, index: number) => U, initial: U): U; reverse(): Self; sort(by?: (a: N, b: N) => number): Self;
  entries(): ArrayIterator<[number, N]>; keys(): ArrayIterator<number>; values(): ArrayIterator<N>; toString(): string; toSorted(by?: (a: N, b: N) => number): Self; toReversed(): Self;
}
interface TypedArrayConstructor<N, Self> { new (of?: number | ArrayLike<N> | Iterable<N> | ArrayBufferLike, start?: number, length?: number): Self; from(of: ArrayLike<N> | Iterable<N>, f?: (value: N, index: number) => N): Self; of(...items: N[]): Self; readonly BYTES_PER_ELEMENT: number }
interface Int8Array extends TypedArray<number, Int8Array> {}
interface Uint8Array extends TypedArray<number, Uint8Array> {}
interface Uint8ClampedArray extends TypedArray<number, Uint8ClampedArray> {}
interface Int16Array extends TypedArray<number, Int16Array> {}
interface Uint16Array extends TypedArray<number, Uint16Array> {}
interface Int32Array extends TypedArray<number, Int32Array> {}
interface Uint32Array extends TypedArray<number, Uint32Array> {}
interface Float32Array extends TypedArray<number, Float32Array> {}
interface Float64Array extends TypedArray<number, Float64Array> {}
interface BigInt64Array extends TypedArray<bigint, BigInt64Array> {}
interface BigUint64Array extends TypedArray<bigint, BigUint64Array> {}
declare var Int8Array: TypedArrayConstructor<number, Int8Array>, Uint8Array: TypedArrayConstructor<number, Uint8Array>, Uint8ClampedArray: TypedArrayConstructor<number, Uint8ClampedArray>, Int16Array: TypedArrayConstructor<number, Int16Array>, Uint16Array: TypedArrayConstructor<number, Uint16Array>, Int32Array: TypedArrayConstructor<number, Int32Array>, Uint32Array: TypedArrayConstructor<number, Uint32Array>, Float32Array: TypedArrayConstructor<number, Float32Array>, Float64Array: TypedArrayConstructor<number, Float64Array>, BigInt64Array: TypedArrayConstructor<bigint, BigInt64Array>, BigUint64Array: TypedArrayConstructor<bigint, BigUint64Array>;
interface DataView { [other: string]: any }
declare var DataView: { new (buffer: ArrayBufferLike, start?: number, length?: number): DataView };
interface PropertyDescriptor { configurable?: boolean; enumerable?: boolean; value?: any; writable?: boolean; get?(): any; set?(value: any): void }
interface TypedPropertyDescriptor<T> { enumerable?: boolean; configurable?: boolean; writable?: boolean; value?: T; get?: () => T; set?: (value: T) => void }
interface ImportMeta { readonly url: string; readonly dirname: string; readonly filename: string; resolve(specifier: string): string; [other: string]: any }
interface ImportCallOptions { with?: any }
interface ImportAttributes { [key: string]: string }
declare var NaN: number, Infinity: number, Intl: any, Reflect: any, Proxy: any, Atomics: any, Iterator: any, WebAssembly: any, FinalizationRegistry: any, globalThis: any;
declare function parseInt(text: string, radix?: number): number;
declare function parseFloat(text: string): number;
declare function isNaN(n: number): boolean;
declare function isFinite(n: number): boolean;
declare function eval(text: string): any;
declare function encodeURIComponent(text: string | number | boolean): string;
declare function decodeURIComponent(text: string): string;
declare function encodeURI(text: string): string;
declare function decodeURI(text: string): string;
