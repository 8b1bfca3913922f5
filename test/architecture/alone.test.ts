import { cp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { createEncoder } from "../../src/index.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { editJson, safetensorsBytes, temporaryFolder } from "../support/checkpoints.ts";
import { golden } from "../support/tiny-model.ts";

type TowerName = "vision" | "text";

/** Copies one tower of a checkpoint into a folder of its own, with the names that its class has for the tensors. */
async function alone(name: string, tower: TowerName, { prefix }: { prefix: string }): Promise<string> {
  const directory = join(await temporaryFolder(), tower);
  await cp(resolve(import.meta.dirname, "../fixtures/checkpoints", name), directory, { recursive: true });
  const config = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
  const { projection_dim = 512 } = config;
  const model_type = `${name.startsWith("clip") ? "clip" : "siglip"}_${tower}_model`;
  await writeFile(
    join(directory, "config.json"),
    JSON.stringify({ ...config[`${tower}_config`], projection_dim, model_type }),
  );
  const file = await readFile(join(directory, "model.safetensors"));
  const length = Number(file.readBigUInt64LE());
  const header: Record<string, object> = JSON.parse(file.subarray(8, 8 + length).toString());
  const renamed = Object.entries(header).map(([tensor, entry]) => [tensor.replace(prefix, ""), entry]);
  await writeFile(
    join(directory, "model.safetensors"),
    safetensorsBytes(Object.fromEntries(renamed), file.subarray(8 + length)),
  );
  return directory;
}

async function build(imageDir: string, textDir: string): Promise<string> {
  const outDir = join(await temporaryFolder(), "model");
  return (await buildModel({ imageDir, textDir, outDir, name: "alone", precision: "fp32" })).directory;
}

const meanOf = async (model: string) => JSON.parse(await readFile(join(model, "manifest.json"), "utf8")).image.mean;

describe("towers that were saved alone", () => {
  it.each([
    ["clip-open", ["none", "none"]], // CLIPVisionModelWithProjection and CLIPTextModelWithProjection keep the names
    ["siglip2", ["vision_model.", "text_model."]], // SiglipVisionModel and SiglipTextModel shorten them
  ] as const)("give the vectors of %s", async (name, [visionPrefix, textPrefix]) => {
    const imageDir = await alone(name, "vision", { prefix: visionPrefix });
    const textDir = await alone(name, "text", { prefix: textPrefix });
    const reference = JSON.parse(await readFile(join(imageDir, "reference.json"), "utf8"));
    const encoder = await createEncoder({ model: await build(imageDir, textDir) });
    const { text, embedding } = reference.texts[0];
    const texts = await encoder.encodeTexts([text]);
    expect(cosine(texts.embeddings[0]!, Float32Array.from(embedding))).toBeGreaterThan(0.99999);
    const pictures = await encoder.encodeImages([await readFile(join(golden, "images/wide.png"))]);
    const expected = Float32Array.from(reference.images["wide.png"].embedding);
    expect(cosine(pictures.embeddings[0]!, expected)).toBeGreaterThan(0.99999);
    await encoder.close();
  });

  it("are refused where they lack the projection, or are given in the other's place", async () => {
    const imageDir = await alone("clip-open", "vision", { prefix: "none" });
    const textDir = await alone("clip-open", "text", { prefix: "none" });
    await expect(build(imageDir, imageDir)).rejects.toThrow(/an image tower alone, for --image/);
    await expect(build(textDir, textDir)).rejects.toThrow(/a text tower alone, for --text/);
    await editJson(join(textDir, "config.json"), "architectures", ["CLIPTextModel"]);
    await expect(build(imageDir, textDir)).rejects.toThrow(/CLIPTextModelWithProjection has/);
    await editJson(join(imageDir, "config.json"), "architectures", ["CLIPVisionModel"]);
    await expect(build(imageDir, textDir)).rejects.toThrow(/CLIPVisionModelWithProjection has/);
  });

  it("take the image processor that transformers takes where there are two", async () => {
    const [imageDir, textDir] = await Promise.all([
      alone("clip-open", "vision", { prefix: "none" }),
      alone("clip-open", "text", { prefix: "none" }),
    ]);
    const settings = JSON.parse(await readFile(join(imageDir, "preprocessor_config.json"), "utf8"));
    const newer = join(imageDir, "processor_config.json");
    await writeFile(newer, JSON.stringify({ image_processor: { ...settings, image_mean: [0.1, 0.2, 0.3] } }));
    expect(await meanOf(await build(imageDir, textDir))).toEqual([0.1, 0.2, 0.3]);
    await writeFile(newer, JSON.stringify({ processor_class: "CLIPProcessor" }));
    expect(await meanOf(await build(imageDir, textDir))).toEqual(settings.image_mean);
  });

  it("are refused with a prompt of sentence-transformers, which the vectors would lack", async () => {
    for (const checkpoint of ["clip-open", "siglip"]) {
      const textDir = await alone(checkpoint, "text", { prefix: "none" });
      const prompts = { default_prompt_name: "q", prompts: { q: "a photo of " } };
      await writeFile(join(textDir, "config_sentence_transformers.json"), JSON.stringify(prompts));
      await expect(build(await alone(checkpoint, "vision", { prefix: "none" }), textDir)).rejects.toThrow(
        /default_prompt_name "q"/,
      );
    }
  });

  it("take the keys that other versions of transformers add to an image processor", async () => {
    const imageDir = await alone("clip-open", "vision", { prefix: "none" });
    const file = join(imageDir, "preprocessor_config.json");
    const settings = JSON.parse(await readFile(file, "utf8"));
    const slow = { _valid_processor_keys: ["images", "do_resize"], do_convert_rgb: true };
    const fast = { input_data_format: null, device: null, return_tensors: null, disable_grouping: null };
    const none = { crop_size: null, pad_size: null, do_pad: null, data_format: "channels_first" };
    await writeFile(file, JSON.stringify({ ...settings, ...slow, ...fast, ...none }));
    await expect(build(imageDir, await alone("clip-open", "text", { prefix: "none" }))).resolves.toBeDefined();
  });
});
