/** What Node gives a script's host part, loosely: sonde checks handlers and the vocabulary, `tsc` with `@types/node` the rest. */
declare var console: any, process: any, global: any, performance: any, crypto: any, navigator: any, require: any, fetch: any, setTimeout: any, setInterval: any, setImmediate: any, clearTimeout: any, clearInterval: any, clearImmediate: any, queueMicrotask: any, structuredClone: any, atob: any, btoa: any,
  Buffer: any, URL: any, URLSearchParams: any, TextEncoder: any, TextDecoder: any, AbortController: any, AbortSignal: any, Event: any, EventTarget: any, EventSource: any, WebSocket: any, MessageChannel: any, MessagePort: any, BroadcastChannel: any,
  Blob: any, File: any, FormData: any, Headers: any, Request: any, Response: any, ReadableStream: any, WritableStream: any, TransformStream: any, CompressionStream: any, DecompressionStream: any, TextDecoderStream: any, TextEncoderStream: any, DOMException: any;
type Buffer = any;
type URL = any;
type TextDecoder = any;
type TextEncoder = any;
type AbortSignal = any;
type AbortController = any;
declare namespace NodeJS { type Timeout = any; type ProcessEnv = any; type ErrnoException = any; type Signals = any; type Process = any }
