import { basename, resolve } from "node:path";
import { buildModel } from "../build/build.ts";
import { setting, text } from "../config/setting.ts";
import { withHome } from "../model/locate.ts";
import { command } from "./command.ts";
import { describeFidelity } from "./fidelity.ts";
import { describeModel } from "./models.ts";
import { createProgress } from "./progress.ts";
import { pullSettings } from "./pull.ts";

const checkpointFolder = text("a checkpoint's folder in the sentence-transformers layout");

export const build = command({
  summary: "Build a model folder from a checkpoint pair",
  settings: {
    image: setting({ ...checkpointFolder, help: "Image checkpoint: a folder like that of clip-ViT-B-32." }),
    text: setting({
      ...checkpointFolder,
      help: "Text checkpoint: a folder like that of clip-ViT-B-32-multilingual-v1.",
    }),
    out: setting({ ...text("a folder"), help: "Model folder to write; its name becomes the model's." }),
    precision: pullSettings.precision,
  },
  async run({ values, signal }) {
    const outDir = resolve(withHome(values.out));
    const progress = createProgress(process.stderr);
    const model = await buildModel({
      imageDir: resolve(withHome(values.image)),
      textDir: resolve(withHome(values.text)),
      outDir,
      name: basename(outDir),
      precision: values.precision,
      signal,
      onProgress: progress.onBuild,
    });
    progress.end();
    process.stdout.write(`${describeFidelity(model.manifest)}built: ${describeModel(model)}\n`);
  },
});
