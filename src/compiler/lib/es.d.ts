/**
 * The language's own globals, as far as handlers and light host code need them. It is read at every new script, so it is
 * short: what handlers can't use is loose, and `tsc` checks the host's part.
 */
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
type Parameters<T> = T extends (...args: infer P) => any ? P : never;
type ReturnType<T> = T extends (...args: any) => infer R ? R : any;
type InstanceType<T> = T extends abstract new (...args: any) => infer R ? R : any;
type Awaited<T> = T extends null | undefined ? T : T extends object & { then(done: infer F, ...rest: infer _): any } ? (F extends (value: infer V, ...rest: infer _) => any ? Awaited<V> : never) : T;
type Uppercase<S extends string> = intrinsic;
type Lowercase<S extends string> = intrinsic;
type NoInfer<T> = intrinsic;
interface ThisType<T> {}
interface Object { constructor: any; toString(): string; valueOf(): any; hasOwnProperty(name: PropertyKey): boolean }
interface Function { apply(self: any, args?: any): any; call(self: any, ...args: any[]): any; bind(self: any, ...args: any[]): any; readonly name: string; readonly length: number; prototype: any }
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments { [index: number]: any; length: number; [Symbol.iterator](): Iterator<any> }
declare var Object: {
  (value?: any): any; new (value?: any): any; keys(of: any): string[];
  values<T>(of: { [key: string]: T } | ArrayLike<T>): T[]; values(of: any): any[];
  entries<T>(of: { [key: string]: T } | ArrayLike<T>): [string, T][]; entries(of: any): [string, any][];
  freeze<const T>(of: T): Readonly<T>; [other: string]: any;
};
interface Symbol { readonly description: string | undefined }
declare var Symbol: { (name?: string): symbol; for(key: string): symbol; readonly iterator: unique symbol; readonly asyncIterator: unique symbol; readonly dispose: unique symbol; readonly asyncDispose: unique symbol; readonly hasInstance: unique symbol; readonly toPrimitive: unique symbol; readonly toStringTag: unique symbol };
interface IteratorYieldResult<T> { done?: false; value: T }
interface IteratorReturnResult<R> { done: true; value: R }
type IteratorResult<T, R = any> = IteratorYieldResult<T> | IteratorReturnResult<R>;
interface Iterator<T, R = any, N = any> { next(...given: [] | [N]): IteratorResult<T, R>; return?(value?: R): IteratorResult<T, R>; throw?(error?: any): IteratorResult<T, R> }
interface Iterable<T, R = any, N = any> { [Symbol.iterator](): Iterator<T, R, N> }
interface IterableIterator<T, R = any, N = any> extends Iterator<T, R, N> { [Symbol.iterator](): IterableIterator<T, R, N> }
interface IteratorObject<T, R = unknown, N = unknown> extends Iterator<T, R, N> { [Symbol.iterator](): IteratorObject<T, R, N>; toArray(): T[] }
interface Generator<T = unknown, R = any, N = any> extends IteratorObject<T, R, N> { [Symbol.iterator](): Generator<T, R, N> }
interface AsyncIterator<T, R = any, N = any> { next(...given: [] | [N]): Promise<IteratorResult<T, R>>; return?(value?: R | PromiseLike<R>): Promise<IteratorResult<T, R>>; throw?(error?: any): Promise<IteratorResult<T, R>> }
interface AsyncIterable<T, R = any, N = any> { [Symbol.asyncIterator](): AsyncIterator<T, R, N> }
interface AsyncIterableIterator<T, R = any, N = any> extends AsyncIterator<T, R, N> { [Symbol.asyncIterator](): AsyncIterableIterator<T, R, N> }
interface AsyncGenerator<T = unknown, R = any, N = any> extends AsyncIterableIterator<T, R, N> { [Symbol.asyncIterator](): AsyncGenerator<T, R, N> }
interface Disposable { [Symbol.dispose](): void }
interface AsyncDisposable { [Symbol.asyncDispose](): PromiseLike<void> }
interface PromiseLike<T> { then<A = T, B = never>(done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: any) => B | PromiseLike<B>) | null): PromiseLike<A | B> }
interface Promise<T> { then<A = T, B = never>(done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: any) => B | PromiseLike<B>) | null): Promise<A | B>; catch<B = never>(failed?: ((reason: any) => B) | null): Promise<T | B>; finally(run?: (() => void) | null): Promise<T> }
interface PromiseConstructor { new <T = any>(run: (resolve: (value?: any) => void, reject: (reason?: any) => void) => void): Promise<T>; all<T extends readonly unknown[] | []>(of: T): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }>; resolve<T>(value?: T): Promise<Awaited<T>>; [other: string]: any }
declare var Promise: PromiseConstructor;
interface Boolean { valueOf(): boolean }
interface Number { toString(radix?: number): string; toFixed(digits?: number): string; toLocaleString(...how: any): string; valueOf(): number; toPrecision(digits?: number): string; toExponential(digits?: number): string }
interface BigInt { toString(radix?: number): string; toLocaleString(...how: any): string; valueOf(): bigint }
declare var Boolean: { (value?: any): boolean; new (value?: any): any };
declare var Number: { (value?: any): number; readonly MAX_SAFE_INTEGER: number; readonly MIN_SAFE_INTEGER: number; isInteger(n: any): boolean; isSafeInteger(n: any): boolean; parseInt(text: string, radix?: number): number; parseFloat(text: string): number; [other: string]: any };
declare var BigInt: { (value: any): bigint; asIntN(bits: number, n: bigint): bigint; asUintN(bits: number, n: bigint): bigint };
declare var String: { (value?: any): string; [other: string]: any };
declare var Math: { min(...x: number[]): number; max(...x: number[]): number; abs(x: number): number; trunc(x: number): number; clz32(x: number): number; floor(x: number): number; ceil(x: number): number; round(x: number): number; random(): number; [other: string]: any };
interface String { readonly length: number; readonly [index: number]: string; [Symbol.iterator](): Iterator<string>; startsWith(what: string, from?: number): boolean; endsWith(what: string, end?: number): boolean; includes(what: string, from?: number): boolean; slice(start?: number, end?: number): string; split(by: any, limit?: number): string[]; trim(): string; toLowerCase(): string; toUpperCase(): string; padStart(n: number, by?: string): string; padEnd(n: number, by?: string): string; replace(what: any, by: any): string; replaceAll(what: any, by: any): string; repeat(n: number): string; indexOf(what: string, from?: number): number; match(what: any): any; toString(): string; [other: string]: any }
interface TemplateStringsArray extends ReadonlyArray<string> { readonly raw: readonly string[] }
interface RegExp { exec(text: string): any; test(text: string): boolean; [other: string]: any }
interface ArrayLike<T> { readonly length: number; readonly [index: number]: T }
interface ReadonlyArray<T> {
  readonly length: number; readonly [index: number]: T; [Symbol.iterator](): IterableIterator<T>;
  at(index: number): T | undefined; concat(...more: any[]): T[]; join(by?: string): string; slice(start?: number, end?: number): T[]; includes(what: any, from?: number): boolean; indexOf(what: any, from?: number): number; lastIndexOf(what: any): number;
  every(f: (value: T, index: number) => any): boolean; some(f: (value: T, index: number) => any): boolean; forEach(f: (value: T, index: number) => void): void; map<U>(f: (value: T, index: number) => U): U[];
  filter<S extends T>(f: (value: T, index: number) => value is S): S[]; filter(f: (value: T, index: number) => any): T[]; find(f: (value: T, index: number) => any): T | undefined; findIndex(f: (value: T, index: number) => any): number; findLast(f: (value: T, index: number) => any): T | undefined;
  reduce(f: (sum: T, value: T, index: number) => T): T; reduce<U>(f: (sum: U, value: T, index: number) => U, initial: U): U; flat(depth?: number): any[]; flatMap<U>(f: (value: T, index: number) => U | readonly U[]): U[];
  entries(): IterableIterator<[number, T]>; keys(): IterableIterator<number>; values(): IterableIterator<T>; toSorted(by?: (a: T, b: T) => number): T[]; toReversed(): T[]; with(index: number, value: T): T[]; toSpliced(start: number, remove?: number, ...items: T[]): T[]; toString(): string;
}
interface Array<T> extends ReadonlyArray<T> { length: number; [index: number]: T; push(...items: T[]): number; pop(): T | undefined; shift(): T | undefined; unshift(...items: T[]): number; reverse(): T[]; sort(by?: (a: T, b: T) => number): this; splice(start: number, remove?: number, ...items: T[]): T[]; fill(value: T, start?: number, end?: number): this; findLastIndex(f: (value: T) => any): number }
declare var Array: { new <T = any>(length?: number): T[]; <T = any>(length?: number): T[]; isArray(value: any): value is any[]; from<T>(of: Iterable<T> | ArrayLike<T>): T[]; from<T, U>(of: Iterable<T> | ArrayLike<T>, f: (value: T, index: number) => U): U[]; of<T>(...items: T[]): T[]; [other: string]: any };
interface Uint8Array { readonly length: number; [index: number]: number; readonly byteLength: number; [Symbol.iterator](): IterableIterator<number>; [other: string]: any }
interface Error { name: string; message: string; stack?: string; cause?: unknown; [other: string]: any }
type ErrorClass = { new (message?: string, options?: any): Error; (message?: string, options?: any): Error; [other: string]: any };
declare var Error: ErrorClass, TypeError: ErrorClass, RangeError: ErrorClass, SyntaxError: ErrorClass, ReferenceError: ErrorClass, AggregateError: any;
interface ImportMeta { readonly url: string; readonly dirname: string; readonly filename: string; resolve(specifier: string): string; [other: string]: any }
interface ImportCallOptions { with?: any }
interface ImportAttributes { [key: string]: string }
interface TypedPropertyDescriptor<T> { value?: T }
declare var NaN: number, Infinity: number, Uint8Array: any, Int8Array: any, Uint8ClampedArray: any, Int16Array: any, Uint16Array: any, Int32Array: any, Uint32Array: any, Float32Array: any, Float64Array: any, BigInt64Array: any, BigUint64Array: any, ArrayBuffer: any, SharedArrayBuffer: any, DataView: any,
  Map: any, Set: any, WeakMap: any, WeakSet: any, WeakRef: any, Date: any, RegExp: any, JSON: any, Function: any, Intl: any, Reflect: any, Proxy: any, Atomics: any, Iterator: any, WebAssembly: any, FinalizationRegistry: any, globalThis: any,
  parseInt: (text: string, radix?: number) => number, parseFloat: (text: string) => number, isNaN: (n: any) => boolean, isFinite: (n: any) => boolean, eval: any, encodeURIComponent: any, decodeURIComponent: any, encodeURI: any, decodeURI: any;
type Map<K = any, V = any> = any;
type ReadonlyMap<K = any, V = any> = any;
type Set<T = any> = any;
type ReadonlySet<T = any> = any;
type WeakMap<K = any, V = any> = any;
type WeakSet<T = any> = any;
type Date = any;
type ArrayBuffer = any;
type DataView = any;
type Int8Array = any;
type Uint16Array = any;
type Int32Array = any;
type Uint32Array = any;
type Float64Array = any;
type BigInt64Array = any;
type BigUint64Array = any;
