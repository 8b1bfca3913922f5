import { basename, resolve } from "node:path";
import { buildModel } from "../build/build.ts";
import { setting, text } from "../config/setting.ts";
import { withHome } from "../model/locate.ts";
import { command } from "./command.ts";
import { describeFidelity } from "./fidelity.ts";
import { describeModel } from "./models.ts";
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
    const model = await buildModel({
      imageDir: resolve(withHome(values.image)),
      textDir: resolve(withHome(values.text)),
      outDir,
      name: basename(outDir),
      precision: values.precision,
      signal,
      onProgress: progressOf(process.stderr),
    });
    process.stdout.write(`${describeFidelity(model.manifest)}built: ${describeModel(model)}\n`);
  },
});

/** One line per tower; on a terminal with its progress. */
function progressOf(stream: NodeJS.WriteStream) {
  let last = "";
  return ({ tower, fraction }: { tower: string; fraction: number }) => {
    const line = `building the ${tower} tower`;
    if (stream.isTTY) stream.write(`\r\x1b[K${line}: ${Math.floor(fraction * 100)} %${fraction >= 1 ? "\n" : ""}`);
    else if (line !== last) stream.write(`${line}\n`);
    last = line;
  };
}
