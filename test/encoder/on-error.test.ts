import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type Encoder } from "../../src/index.ts";
import { pixelPng } from "../support/pixel.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
let encoder: Encoder;
beforeAll(async () => {
  model = await buildTinyModel();
  encoder = await createEncoder({ model, imageUrls: false });
});
afterAll(async () => {
  await encoder.close();
  await rm(dirname(model), { recursive: true });
});

describe("items at fault", () => {
  const images = [pixelPng, Buffer.from("not an image"), { url: "https://example.com/a.png" }, pixelPng];

  it("leave null in their places, and their errors, where the call asks for that", async () => {
    const { embeddings, errors } = await encoder.encodeImages(images, { onError: "return" });
    expect(embeddings.map((embedding) => embedding?.length ?? null)).toEqual([512, null, null, 512]);
    expect(embeddings[0]).toEqual(embeddings[3]);
    expect(errors.map(({ code, index }) => [code, index])).toEqual([
      ["IMAGE_UNSUPPORTED", 1],
      ["URL_FORBIDDEN", 2],
    ]);
  });

  it("are texts without content, too", async () => {
    const { embeddings, errors, truncated } = await encoder.encodeTexts(["a", " ", "b"], { onError: "return" });
    expect(embeddings.map((embedding) => embedding !== null)).toEqual([true, false, true]);
    expect(errors).toMatchObject([{ code: "EMPTY_TEXT", index: 1 }]);
    expect(truncated).toBe(0);
    const [b] = (await encoder.encodeTexts(["b"])).embeddings;
    expect(embeddings[2]).toEqual(b);
  });

  it("are not data URIs, which need no fetch", async () => {
    const url = `data:image/png;base64,${Buffer.from(pixelPng).toString("base64")}`;
    const broken = { url: "data:image/png;base64,?" };
    const { embeddings, errors } = await encoder.encodeImages([{ url }, pixelPng, broken], { onError: "return" });
    expect(embeddings[0]).toEqual(embeddings[1]);
    expect(errors).toMatchObject([{ code: "INVALID_BASE64", index: 2 }]);
  });

  it("may be all of them", async () => {
    const { embeddings, errors } = await encoder.encodeTexts(["", "\n"], { onError: "return" });
    expect(embeddings).toEqual([null, null]);
    expect(errors).toHaveLength(2);
  });

  it("fail the call by default, which names one of them", async () => {
    await expect(encoder.encodeImages(images)).rejects.toMatchObject({
      index: expect.toSatisfy((at) => at === 1 || at === 2),
    });
    await expect(encoder.encodeTexts(["a", " \n\u3000\ufeff", ""])).rejects.toMatchObject({
      code: "EMPTY_TEXT",
      index: 1,
    });
    expect((await encoder.encodeTexts(["a"])).errors).toEqual([]);
  });

  it("are not blamed for what is nobody's fault", async () => {
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(encoder.encodeTexts(["a"], { onError: "return", signal })).rejects.toThrow("gone");
  });
});
