import { expect, test } from "vitest";
import { Stream } from "./stream.ts";

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of from) values.push(value);
  return values;
}

test("each reader sees everything from the moment it began, in order, until the end", async () => {
  const stream = new Stream<number>();
  stream.push(0);
  const first = all(stream);
  stream.push(1);
  const second = all(stream);
  for (let i = 2; i < 1000; i++) stream.push(i);
  stream.end();
  expect(await first).toEqual(Array.from({ length: 999 }, (_, i) => i + 1));
  expect(await second).toEqual(Array.from({ length: 998 }, (_, i) => i + 2));
  expect(await all(stream)).toEqual([]);
});

test("a stream that keeps gives its first reader the latest of what came before it", async () => {
  const stream = new Stream<number>(3);
  for (let i = 0; i < 5; i++) stream.push(i);
  const first = all(stream);
  const second = all(stream);
  stream.push(5);
  stream.end();
  expect([await first, await second]).toEqual([[2, 3, 4, 5], [5]]);
});

test("a reader that stops reads no more, and nobody wants values then", async () => {
  const stream = new Stream<number>();
  const reading = (async () => {
    for await (const value of stream) if (value === 1) break;
  })();
  stream.push(1);
  await reading;
  expect(stream.wanted).toBe(false);
});

test("what was kept is read after the end too", async () => {
  const stream = new Stream<string>(10);
  stream.push("early");
  stream.end();
  expect(await all(stream)).toEqual(["early"]);
});
