import { basename } from "node:path";
import { buildModel } from "../build/build.ts";
import { text } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { checkpointPair, checkpointSettings } from "./checkpoint-pair.ts";
import { command } from "./command.ts";
import { describeFidelity } from "./fidelity.ts";
import { describeModel } from "./models.ts";
import { createProgress } from "./progress.ts";
import { pullSettings } from "./pull.ts";

const usage = "build --checkpoint DIR --out DIR, or build --image DIR --text DIR --out DIR";

export const build = command({
  summary: "Build a model folder from checkpoints of both towers",
  settings: {
    ...checkpointSettings("a checkpoint's folder, as transformers or sentence-transformers save it"),
    out: text("a folder", { help: "Model folder to write; its name becomes the model's." }),
    precision: pullSettings.precision,
  },
  async run({ values, signal }) {
    const pair = checkpointPair(values, usage);
    if (!pair) throw new EncoderError("CONFIG_INVALID", `Expected: ${usage}`);
    const outDir = absoluteFolder(values.out);
    const progress = createProgress(process.stderr);
    const model = await buildModel({
      imageDir: absoluteFolder(pair.image),
      textDir: absoluteFolder(pair.text),
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
