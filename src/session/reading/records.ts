/** Carries out the records of the ring, in order: prints, events, and what handlers ask of the host. */
import type { PrintPart, RecordFormat, SessionImage } from "../../compiler/image.ts";
import { SondeBug } from "../../errors/error.ts";
import { durationText, hexText } from "../../output/numbers.ts";
import { UNREADABLE, valueText } from "../../output/value.ts";
import { decoder } from "../../schema/decode.ts";
import type { StackReader } from "../../schema/stack.ts";

/** What records ask for; states and probes by their indices. */
export interface RecordActions {
  print(text: string): void;
  /** Whether anybody would see an event of this state: else it isn't decoded. */
  wanted(state: number): boolean;
  event(state: number, data: unknown): void;
  show(state: number, top: number | undefined): void;
  clear(states: readonly number[]): void;
  exit(status: number): void;
  detach(probe: number): void;
  /** A process's stack was captured for the first time. */
  captured(pid: number): void;
  /** A stack was copied, at `at` of the bytes. */
  copied(bytes: DataView, at: number): void;
  readonly stacks: StackReader;
  symbol(address: bigint, pid: number | undefined): string;
}

type Fields = { readonly [name: string]: unknown };
type Carry = (bytes: DataView, at: number) => void;

/** The payload begins here, behind the format's index. */
const PAYLOAD = 8;

function formatted(part: PrintPart & { readonly kind: "value" }, value: unknown, fields: Fields, actions: RecordActions): string {
  if (part.optional && fields[`${part.field}?`] === false) return UNREADABLE;
  const isWhole = typeof value === "bigint" || typeof value === "number";
  if (part.as === "hex" && (isWhole || value instanceof Uint8Array)) return hexText(value);
  if (part.as === "duration" && isWhole) return durationText(BigInt(value));
  if (part.as === "sym" && isWhole) {
    const pid = fields[`${part.field}@pid`];
    return actions.symbol(BigInt.asUintN(64, BigInt(value)), typeof pid === "number" ? pid : undefined);
  }
  return (isWhole ? part.names?.[String(value)] : undefined) ?? valueText(value);
}

function carrier(format: RecordFormat, functions: readonly string[], actions: RecordActions): Carry {
  switch (format.kind) {
    case "print": {
      const decode = decoder(format.schema, functions, actions.stacks);
      const { parts } = format;
      return (bytes, at) => {
        const fields = decode(bytes, at + PAYLOAD) as Fields;
        let text = "";
        for (const part of parts) text += part.kind === "text" ? part.text : formatted(part, fields[part.field], fields, actions);
        actions.print(text);
      };
    }
    case "event": {
      const decode = decoder(format.schema, functions, actions.stacks);
      const { state } = format;
      return (bytes, at) => {
        if (actions.wanted(state)) actions.event(state, decode(bytes, at + PAYLOAD));
      };
    }
    case "show":
      return () => actions.show(format.state, format.top);
    case "clear":
      return () => actions.clear(format.states);
    case "exit": {
      const decode = decoder(format.schema, functions);
      return (bytes, at) => actions.exit(Number(BigInt.asUintN(8, BigInt((decode(bytes, at + PAYLOAD) as { readonly status: number | bigint }).status))));
    }
    case "detach":
      return () => actions.detach(format.probe);
    case "walk":
      return (bytes, at) => actions.copied(bytes, at + PAYLOAD);
    case "stack": {
      const decode = decoder(format.schema, functions);
      return (bytes, at) => actions.captured((decode(bytes, at + PAYLOAD) as { readonly pid: number }).pid);
    }
  }
}

export function recordReader(image: SessionImage, functions: readonly string[], actions: RecordActions): (bytes: DataView, at: number, length: number) => void {
  const carriers = image.formats.map((format) => carrier(format, functions, actions));
  return (bytes, at, length) => {
    const format = bytes.getUint32(at, true);
    const carry = carriers[format];
    if (carry === undefined) throw new SondeBug(`a record of ${length} bytes has the format ${format}, of ${carriers.length}`);
    carry(bytes, at);
  };
}
