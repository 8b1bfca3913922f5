import { join } from "node:path";
import { modelSettings } from "../config/encoder.ts";
import { hubSettings } from "../config/hub.ts";
import { choice, text, type ValuesOf } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";
import { openHub } from "../hub/hub.ts";
import { pullModel } from "../hub/pull-model.ts";
import { parseRepository } from "../hub/repository-file.ts";
import { catalog } from "../model/catalog.ts";
import { inMegabytes } from "../storage/free-space.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { checkpointPair, checkpointSettings } from "./checkpoint-pair.ts";
import { command } from "./command.ts";
import { describeFidelity } from "./fidelity.ts";
import { describeModel } from "./models.ts";
import { createProgress } from "./progress.ts";
import { createTransferLine } from "./transfer-line.ts";

export const pullSettings = {
  modelsDir: modelSettings.modelsDir,
  ...checkpointSettings("org/name or org/name@revision"),
  out: text("a folder", { default: "", help: "Where the model is put; with NAME in MODELS_DIR." }),
  precision: choice(["auto", "int8", "fp16", "fp32"], {
    default: "fp32",
    help: "Numbers that the graphs compute with; auto takes int8, which is about three times as fast, where it stays close to fp32. fp16 is for GPUs.",
    why: "The reference's own vectors; what is faster is for the user to choose.",
  }),
  ...hubSettings,
};

export const pull = command({
  summary: "Download a model from the Hub, verify and build it",
  operands: "[NAME]",
  settings: pullSettings,
  async run({ values: config, operands: [name], signal }) {
    const { outDir, ...sources } = wanted(config, name);
    const hub = await openHub(config);
    const progress = createProgress(process.stderr);
    const line = createTransferLine({ isTerminal: process.stderr.isTTY, nowMs: () => performance.now() });
    try {
      const { model, wasInstalled } = await pullModel({
        hub,
        ...sources,
        outDir,
        precision: config.precision,
        signal,
        onWait: ({ pid, host }) =>
          progress.show(
            `Waiting for another pull (process ${pid} on ${host}) to end. If it has died, this one goes on within half a minute.`,
          ),
        onNeeds: ({ downloadBytes, diskBytes, memoryBytes }) =>
          progress.show(
            `${inMegabytes(downloadBytes)} to download, ${inMegabytes(diskBytes)} of disk until the model is built; serving it takes about ${inMegabytes(memoryBytes)} of memory`,
          ),
        onDownload(received) {
          const text = line(received);
          if (text !== undefined) progress.show(text);
        },
        onBuild: progress.onBuild,
      });
      progress.end();
      const verb = wasInstalled ? "already installed" : "installed";
      process.stdout.write(`${describeFidelity(model.manifest)}${verb}: ${describeModel(model)}\n`);
    } finally {
      await hub.close();
    }
  },
});

const usage =
  "pull NAME, pull --checkpoint REPO[@REV] --out DIR, or pull --image REPO[@REV] --text REPO[@REV] --out DIR";

function wanted(config: ValuesOf<typeof pullSettings>, name: string | undefined) {
  const folder = config.out && absoluteFolder(config.out);
  const pair = checkpointPair(config, usage);
  if (name !== undefined && !pair) {
    const entry = catalog[name];
    if (entry) return { ...entry, outDir: folder || join(absoluteFolder(config.modelsDir), name) };
    const known = Object.keys(catalog).join(", ");
    const message = `There is no model ${name} in the catalog (${known}). Any other: ${usage.slice(usage.indexOf(",") + 2)}`;
    throw new EncoderError("CONFIG_INVALID", message);
  }
  if (name === undefined && pair && folder) {
    return { image: parseRepository(pair.image), text: parseRepository(pair.text), outDir: folder };
  }
  throw new EncoderError("CONFIG_INVALID", `Expected: ${usage}`);
}
