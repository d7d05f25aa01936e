import fc from "fast-check";
import { expect, test } from "vitest";
import { errno } from "../../sys/errno.ts";
import { Control, planMemory, type RingPlace } from "./layout.ts";
import { RingConsumer, RingProducer } from "./ring.ts";
import { imageOf, mapImage } from "./testing.ts";

class Ring {
  readonly layout;
  readonly bytes: Uint8Array;
  readonly place: RingPlace;
  readonly producer: RingProducer;
  readonly consumer: RingConsumer;
  wakes = 0;

  constructor(size: number) {
    this.layout = planMemory(imageOf([mapImage("ringbuf", { maxEntries: size })]));
    const memory = new ArrayBuffer(this.layout.bytes);
    this.bytes = new Uint8Array(memory);
    this.place = this.layout.maps[0] as RingPlace;
    this.producer = new RingProducer(memory, this.place, this.layout.control + Control.waiting, () => this.wakes++);
    this.consumer = new RingConsumer(memory, this.layout, this.place);
  }
  /** Whether there was room. */
  write(content: Uint8Array, discard = false): boolean {
    const at = this.producer.reserve(content.length);
    if (at === 0) return false;
    this.bytes.set(content, at);
    this.producer.submit(at, discard);
    return true;
  }
  read(): Uint8Array[] {
    const records: Uint8Array[] = [];
    this.consumer.consume((bytes, offset, length) => records.push(new Uint8Array(bytes.buffer, offset, length).slice()));
    return records;
  }
}

const record = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

test("all records that found room come out once, in order and whole, whatever their sizes", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(64, 256, 4096),
      fc.array(fc.oneof({ weight: 4, arbitrary: fc.tuple(fc.nat(300), fc.nat(3)) }, { weight: 1, arbitrary: fc.constant("read" as const) }), {
        maxLength: 300,
      }),
      (size, steps) => {
        const ring = new Ring(size);
        let expected: Uint8Array[] = [];
        let fill = 0;
        for (const step of [...steps, "read" as const]) {
          if (step === "read") {
            expect(ring.read()).toEqual(expected);
            expected = [];
          } else {
            const content = record(step[0], ++fill & 255);
            if (ring.write(content, step[1] === 0) && step[1] !== 0) expected.push(content);
          }
        }
        // Nothing is left that would take room away.
        expect(ring.read()).toEqual([]);
      },
    ),
  );
});

test("positions go on beyond 2^32", () => {
  const ring = new Ring(64);
  const words = new Int32Array(ring.bytes.buffer);
  words[ring.place.at / 4] = -128;
  words[ring.place.at / 4 + 16] = -128;
  const producer = new RingProducer(ring.bytes.buffer, ring.place, ring.layout.control + Control.waiting, () => {});
  const consumer = new RingConsumer(ring.bytes.buffer, ring.layout, ring.place);
  for (let i = 0; i < 20; i++) {
    const at = producer.reserve(16);
    ring.bytes[at] = i;
    producer.submit(at, false);
    let found = -1;
    expect(consumer.consume((bytes, offset) => (found = bytes.getUint8(offset)))).toBe(1);
    expect(found).toBe(i);
  }
});

test("a full ring refuses records until there is room again; a record that never fits is refused", () => {
  const ring = new Ring(256);
  let written = 0;
  while (ring.write(record(24, written))) written++;
  expect(written).toBe(8);
  expect(ring.producer.output(ring.layout.stackAt, 24)).toBe(-errno.EAGAIN);
  expect(ring.read().length).toBe(8);
  expect(ring.producer.output(ring.layout.stackAt, 24)).toBe(0);
  expect(ring.read().length).toBe(1);
  expect(ring.producer.reserve(249)).toBe(0);
});

test("a record of nearly the ring's size finds room once the ring is empty, wherever it stood", () => {
  for (let before = 0; before < 20; before++) {
    const ring = new Ring(256);
    for (let i = 0; i < before; i++) {
      ring.write(record(8, 1));
      ring.read();
    }
    const tries = [0, 1].map(() => {
      const there = ring.write(record(240, 7));
      ring.read();
      return there;
    });
    expect(tries[1]).toBe(true);
  }
});

test("output copies the bytes", () => {
  const ring = new Ring(256);
  ring.bytes.set([1, 2, 3, 4, 5], ring.layout.stackAt);
  ring.producer.output(ring.layout.stackAt, 5);
  expect(ring.read()).toEqual([Uint8Array.from([1, 2, 3, 4, 5])]);
});

test("a record that isn't submitted holds back those behind it; it is skipped when its producer has died", () => {
  const ring = new Ring(256);
  ring.write(record(8, 1));
  ring.producer.reserve(16);
  ring.write(record(8, 3));
  expect(ring.read()).toEqual([record(8, 1)]);
  expect(ring.consumer.pending).toBe(false);
  ring.consumer.producerGone();
  expect(ring.consumer.pending).toBe(true);
  expect(ring.read()).toEqual([record(8, 3)]);
});

test("the consumer is woken once when it sleeps, and not when it doesn't", () => {
  const ring = new Ring(256);
  ring.write(record(8, 1));
  expect(ring.wakes).toBe(0);
  expect(ring.consumer.sleep()).toBe(false);
  ring.read();
  expect(ring.consumer.sleep()).toBe(true);
  ring.write(record(8, 2));
  ring.write(record(8, 3));
  expect(ring.wakes).toBe(1);
  ring.read();
  expect(ring.consumer.sleep()).toBe(true);
  ring.consumer.awake();
  ring.write(record(8, 4));
  expect(ring.wakes).toBe(1);
});

test("a consumer that is closed in a callback calls back no more", () => {
  const ring = new Ring(256);
  for (let i = 0; i < 4; i++) ring.write(record(8, i));
  expect(ring.consumer.consume(() => ring.consumer.close())).toBe(1);
  expect(ring.consumer.consume(() => {})).toBe(0);
});
