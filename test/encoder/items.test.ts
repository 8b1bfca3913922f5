import { describe, expect, it } from "vitest";
import { encodeItems } from "../../src/encoder/items.ts";
import { EncoderError } from "../../src/errors.ts";
import { fakeEncoder } from "../support/fake-encoder.ts";

const image = (length: number) => ({ image: Buffer.alloc(length, 1) });

describe("texts and images together", () => {
  it("have their vectors in the order of the items, and what is told of all of them", async () => {
    const items = [image(7), { text: "a".repeat(101) }, { text: "bb" }, image(9)];
    const encoding = await encodeItems(fakeEncoder(), items, { normalize: false });
    expect(encoding.embeddings.map(([length]) => length)).toEqual([7, 101, 2, 9]);
    expect(encoding).toMatchObject({ truncated: 1, tokens: 0, timings: { queueMs: 1, inferenceMs: 2.5 } });
  });

  it("are refused by the place of the bad one among all", async () => {
    const failure = encodeItems(fakeEncoder(), [image(7), { text: "a" }, image(0)]);
    await expect(failure).rejects.toMatchObject({ code: "IMAGE_UNREADABLE", index: 2 });
  });

  it("are refused where one is neither, or both", async () => {
    for (const wrong of [{}, { text: "a", image: Buffer.alloc(1) }, null]) {
      const failure = encodeItems(fakeEncoder(), [{ text: "a" }, wrong as unknown as { text: string }]);
      await expect(failure).rejects.toMatchObject({ code: "INVALID_REQUEST", index: 1 });
    }
  });

  it("end each other's work when one of them fails", async () => {
    const encoder = fakeEncoder();
    encoder.hold = new Promise(() => {});
    const encodeTexts = () => Promise.reject(new EncoderError("EMPTY_TEXT", "The text is empty.", { index: 0 }));
    const failure = encodeItems({ ...encoder, encodeTexts }, [image(7), { text: "a" }]);
    await expect(failure).rejects.toMatchObject({ code: "EMPTY_TEXT", index: 1 });
    expect(encoder.aborted).toHaveLength(1);
  });
});
