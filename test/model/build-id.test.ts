import { beforeAll, describe, expect, it } from "vitest";
import { buildId } from "../../src/model/build-id.ts";
import { openModel } from "../../src/model/folder.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let fp32: Manifest;
let int8: Manifest;
beforeAll(async () => {
  fp32 = (await openModel(await buildTinyModel("fp32"))).manifest;
  int8 = (await openModel(await buildTinyModel("int8"))).manifest;
});

describe("a build id", () => {
  it("is the same for every build of the same checkpoints, whatever their precision and name", () => {
    expect(buildId(fp32)).toMatch(/^[0-9a-f]{16}$/);
    expect(buildId(int8)).toBe(buildId(fp32));
    expect(buildId({ ...fp32, name: "another", builtBy: "9.9.9" })).toBe(buildId(fp32));
  });

  it("does not depend on the order in which the manifest spells it", () => {
    const reversed = Object.fromEntries(Object.entries(fp32).reverse()) as Manifest;
    const image = Object.fromEntries(Object.entries(fp32.image).reverse()) as Manifest["image"];
    expect(buildId({ ...reversed, image })).toBe(buildId(fp32));
  });

  it("is another one for other weights, and for another preparation of the inputs", () => {
    const [file] = Object.keys(fp32.sources.image.files);
    const files = { ...fp32.sources.image.files, [file!]: { bytes: 1, sha256: "0".repeat(64) } };
    const sources = { ...fp32.sources, image: { ...fp32.sources.image, files } };
    const others = [
      { ...fp32, sources },
      { ...fp32, image: { ...fp32.image, resize: fp32.image.resize + 1 } },
      { ...fp32, text: { ...fp32.text, maxTokens: fp32.text.maxTokens + 1 } },
    ];
    expect(new Set([fp32, ...others].map(buildId)).size).toBe(4);
  });
});
