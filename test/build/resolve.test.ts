import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { resolveModel } from "../../src/build/resolve.ts";
import type { EncoderError } from "../../src/errors.ts";
import { verifyModel } from "../../src/model/folder.ts";
import { second, temporaryFolder } from "../support/checkpoints.ts";

const imageDir = join(second, "image");
const textDir = join(second, "text");

describe("a model is found", () => {
  let modelsDir: string;
  let outDir: string;
  beforeAll(async () => {
    modelsDir = await temporaryFolder();
    outDir = join(modelsDir, "second");
    await buildModel({ imageDir, textDir, outDir, name: "second", precision: "fp32" });
  });

  it("by its name among the installed ones", async () => {
    expect(await resolveModel({ model: "second", modelsDir })).toMatchObject({ directory: outDir });
  });

  it("by its folder, absolute, relative or from the home folder", async () => {
    const elsewhere = await temporaryFolder();
    for (const model of [outDir, `./${relative(".", outDir)}`, `~/${relative(homedir(), outDir)}`]) {
      expect(await resolveModel({ model, modelsDir: elsewhere })).toMatchObject({ directory: outDir });
    }
  });

  it("but an embedded model of an earlier version is refused with the name of its successor, also where a folder has its name", async () => {
    const found = await temporaryFolder();
    await buildModel({
      imageDir,
      textDir,
      outDir: join(found, "pictogram-mini"),
      name: "pictogram-mini",
      precision: "fp32",
    });
    const refused = resolveModel({ model: "pictogram-mini", modelsDir: found });
    await expect(refused).rejects.toMatchObject({ code: "MODEL_INVALID" });
    await expect(refused).rejects.toThrow(/its successor is everyday-mini.*encode anew/);
    const folder = join(found, "pictogram-mini");
    expect(await resolveModel({ model: folder, modelsDir: found })).toMatchObject({ directory: folder });
  });

  it("or else it is said that there is none", async () => {
    for (const model of ["third", join(outDir, "third")]) {
      await expect(resolveModel({ model, modelsDir })).rejects.toMatchObject({ code: "MODEL_INVALID" });
    }
  });
});

describe("the embedded model", () => {
  const model = "everyday-mini";
  let modelsDir: string;
  beforeAll(async () => {
    modelsDir = join(await temporaryFolder(), "models");
  });

  it("is built on its first use, once for all who start at the same time", async () => {
    const opened = await Promise.all([1, 2, 3].map(() => resolveModel({ model, modelsDir })));
    const [name, ...others] = await readdir(modelsDir);
    expect(others).toEqual([]);
    expect(name).toMatch(/^everyday-mini-[0-9a-f]{16}$/);
    for (const { directory } of opened) expect(directory).toBe(join(modelsDir, name!));
    await verifyModel(opened[0]!);
    expect(opened[0]!.manifest).toMatchObject({ name: model, dimensions: 512, image: { background: [255, 255, 255] } });
  });

  it("is opened without building from then on", async () => {
    const { directory } = await resolveModel({ model, modelsDir });
    await writeFile(join(directory, "../proof"), "");
    const again = await resolveModel({ model, modelsDir });
    expect(again.directory).toBe(directory);
    expect((await readdir(modelsDir)).length).toBe(2);
    await rm(join(modelsDir, "proof"));
  });

  it("is built again when it was damaged", async () => {
    const { directory } = await resolveModel({ model, modelsDir });
    await truncate(join(directory, "image.weights"), 10);
    await verifyModel(await resolveModel({ model, modelsDir }));
    await rm(join(directory, "text.onnx"));
    await verifyModel(await resolveModel({ model, modelsDir }));
    expect(await readdir(modelsDir)).toHaveLength(1);
  });

  it("is built into a temporary folder, with the reason, where the folder of models cannot be written", async () => {
    const blocked = join(await temporaryFolder(), "file");
    await writeFile(blocked, "");
    const reasons: EncoderError[] = [];
    const options = {
      model,
      modelsDir: join(blocked, "models"),
      onTemporary: (reason: EncoderError) => reasons.push(reason),
    };
    const { directory } = await resolveModel(options);
    expect(reasons).toEqual([expect.objectContaining({ code: "STORAGE_FAILED" })]);
    expect(directory).not.toContain(blocked);
    expect(await resolveModel(options)).toMatchObject({ directory }); // not one more each time
  });
});
