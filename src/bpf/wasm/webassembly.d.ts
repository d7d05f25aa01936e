/** What we use of WebAssembly's interface: TypeScript declares it only together with all that browsers have. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Memory {
    /** In pages of 64 KiB. */
    constructor(descriptor: { readonly initial: number; readonly maximum: number; readonly shared: true });
    readonly buffer: SharedArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { readonly [module: string]: { readonly [name: string]: ((...args: number[]) => number | undefined) | Memory } });
    readonly exports: { readonly [name: string]: unknown };
  }
  /** A trap: an access outside of the memory. */
  class RuntimeError extends Error {}
}
