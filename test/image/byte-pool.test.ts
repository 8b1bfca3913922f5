import { expect, it } from "vitest";
import { BytePool } from "../../src/image/byte-pool.ts";

it("lends the memory again that came back, whole or in part, and no other meanwhile", () => {
  const pool = new BytePool(8);
  const [first, second] = [pool.take(), pool.take()];
  expect([first.length, second.length]).toEqual([8, 8]);
  expect(second.buffer).not.toBe(first.buffer);
  pool.giveBack(first.subarray(2, 4));
  const third = pool.take();
  expect(third.buffer).toBe(first.buffer);
  expect(third).toHaveLength(8);
  expect([first.buffer, second.buffer]).not.toContain(pool.take().buffer);
});

it("leaves memory alone that it did not lend, such as a part of a message", () => {
  const pool = new BytePool(8);
  const message = new Uint8Array(100);
  pool.giveBack(message.subarray(10, 18));
  pool.giveBack(new Uint8Array(new SharedArrayBuffer(8)));
  expect(pool.take().buffer).toBeInstanceOf(ArrayBuffer);
  expect(pool.take().buffer).not.toBe(message.buffer);
});

it("lends memory that came back twice to one", () => {
  const pool = new BytePool(8);
  const bytes = pool.take();
  pool.giveBack(bytes);
  pool.giveBack(bytes);
  expect(pool.take().buffer).toBe(bytes.buffer);
  expect(pool.take().buffer).not.toBe(bytes.buffer);
});

it.each([
  [4, 512 * 1024],
  [2, 1024 * 1024],
  [2, 10 * 1024 * 1024],
])("keeps %i arrays of %i bytes at most", (most, bytes) => {
  const pool = new BytePool(bytes);
  const lent = Array.from({ length: 6 }, () => pool.take());
  for (const array of lent) pool.giveBack(array);
  const again = Array.from({ length: 6 }, () => pool.take());
  expect(again.filter(({ buffer }) => lent.some((array) => array.buffer === buffer))).toHaveLength(most);
});
