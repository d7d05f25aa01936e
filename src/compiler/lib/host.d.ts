/** What Node gives a script's host part, loosely: sonde checks handlers and the vocabulary, `tsc` with `@types/node` the rest. */
declare var console: any, process: any, global: any, performance: any, crypto: any, navigator: any, require: any;
declare var Buffer: any, URL: any, URLSearchParams: any, TextEncoder: any, TextDecoder: any, AbortController: any, AbortSignal: any, Event: any, EventTarget: any, EventSource: any, WebSocket: any, MessageChannel: any, MessagePort: any, BroadcastChannel: any,
  Blob: any, File: any, FormData: any, Headers: any, Request: any, Response: any, ReadableStream: any, WritableStream: any, TransformStream: any, CompressionStream: any, DecompressionStream: any, TextDecoderStream: any, TextEncoderStream: any, DOMException: any;
declare function fetch(...args: any[]): Promise<any>;
declare function setTimeout(run: (...args: any[]) => void, ms?: number, ...args: any[]): any;
declare function setInterval(run: (...args: any[]) => void, ms?: number, ...args: any[]): any;
declare function setImmediate(run: (...args: any[]) => void, ...args: any[]): any;
declare function clearTimeout(timer: any): void;
declare function clearInterval(timer: any): void;
declare function clearImmediate(timer: any): void;
declare function queueMicrotask(run: () => void): void;
declare function structuredClone<T>(value: T, options?: any): T;
declare function atob(text: string): string;
declare function btoa(text: string): string;
type Buffer = any;
type URL = any;
type TextDecoder = any;
type TextEncoder = any;
type AbortSignal = any;
type AbortController = any;
declare namespace NodeJS { type Timeout = any; type ProcessEnv = any; type ErrnoException = any; type Signals = any; type Process = any }
