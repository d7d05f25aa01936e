/** A stream of events: listeners, and iterators that see every event from where they began until the session ends. */
import type { StateSpec, StructSchema } from "../../schema/types.ts";
import type { Scope } from "../scope.ts";
import { Stream } from "../stream.ts";
import { handlerOnly, State } from "./state.ts";

type Listener = (event: unknown) => void;

export class EventsState extends State {
  readonly spec: StateSpec & { readonly kind: "events" };
  #listeners: readonly Listener[] = [];
  readonly #stream = new Stream<unknown>();

  constructor(scope: Scope, schema: StructSchema) {
    super(scope);
    this.spec = { kind: "events", schema };
  }
  emit(): never {
    return handlerOnly("emit()", "on(listener) hands the events that handlers emit to the host.");
  }
  on(listener: Listener): () => void {
    const entry: Listener = (event) => listener(event);
    this.#listeners = [...this.#listeners, entry];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== entry);
    };
  }
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return this.#stream[Symbol.asyncIterator]();
  }
  /** Whether anybody would see an event. */
  get wanted(): boolean {
    return this.#listeners.length > 0 || this.#stream.wanted;
  }
  deliver(event: unknown): void {
    for (const listener of this.#listeners) listener(event);
    this.#stream.push(event);
  }
  end(): void {
    this.#stream.end();
  }
  attach(): void {}
  detach(): void {}
  view(): undefined {
    return undefined;
  }
  clear(): void {}
}
