import { expect, it } from "vitest";
import { createImageEncoder, type ImageEncoderOptions } from "../../src/encoder/images.ts";

/** Gives the keys by which an encoder tells these pictures apart. */
async function keysOf(pictures: Uint8Array[]): Promise<string[]> {
  const keys: string[] = [];
  const request = {
    reserve() {},
    each: (inputs: Uint8Array[], step: (input: Uint8Array, turn: object) => Promise<unknown>) =>
      Promise.all(inputs.map((input, index) => step(input, { index, waitedMs: 0 }))),
    async embed({ key, position }: { key: string; position: number }) {
      keys[position] = key;
      return { embedding: new Float32Array(1), prepareMs: 0, queueMs: 0, inferenceMs: 0, incomplete: false };
    },
    close() {},
  };
  const tower = { open: () => request };
  const options = { tower, observer: {}, maxImageBytes: 1e9 } as unknown as ImageEncoderOptions; // nothing is decoded
  await createImageEncoder(options)(pictures);
  return keys;
}

it("a picture is what it was when the call came, whatever becomes of the caller's bytes", async () => {
  const before = (await keysOf([Uint8Array.of(1, 2)]))[0];
  const mine = Uint8Array.of(1, 2);
  let decoded: Uint8Array | undefined;
  const request = {
    reserve() {},
    each: (inputs: Uint8Array[], step: (input: Uint8Array, turn: object) => Promise<unknown>) =>
      Promise.all(inputs.map((input, index) => step(input, { index, waitedMs: 0 }))),
    async embed({ key }: { key: string }, prepare: (turn: object) => Promise<unknown>) {
      expect(key).toBe(before);
      mine.fill(9);
      structuredClone(mine, { transfer: [mine.buffer] });
      await prepare({});
      return { embedding: new Float32Array(1), prepareMs: 0, queueMs: 0, inferenceMs: 0, incomplete: false };
    },
    close() {},
  };
  const decoder = {
    leavesToEngine: () => false,
    async decode(bytes: Uint8Array) {
      decoded = bytes;
      return {};
    },
  };
  const options = { tower: { open: () => request }, decoder, observer: {}, maxImageBytes: 1e9 };
  await createImageEncoder(options as unknown as ImageEncoderOptions)([mine]);
  expect(decoded).toEqual(Uint8Array.of(1, 2));
});

it("pictures of any size are told apart by all of their bytes", async () => {
  for (const size of [10, 600_000, 9_000_000]) {
    const first = new Uint8Array(size);
    const same = new Uint8Array(size);
    const differs = (at: number) => {
      const other = new Uint8Array(size);
      other[at] = 1;
      return other;
    };
    const keys = await keysOf([first, same, differs(0), differs(size - 1), new Uint8Array(size + 1)]);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(4);
  }
});
