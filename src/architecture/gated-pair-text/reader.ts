import { z } from "zod";
import type { CheckpointFolder, CheckpointModule } from "../../checkpoint/folder.ts";
import { readTokenizer } from "../../checkpoint/tokenizer.ts";
import { configuration, exactly } from "../../checkpoint/transformers-config.ts";
import { padToken, readDistilbert } from "../distilbert/reader.ts";
import type { Architecture, TextTower } from "../tower.ts";
import { textPairGraph } from "./graph.ts";

export const gatedPairText: Architecture<TextTower> = {
  name: "gated-pair-text",
  modelTypes: ["gated-pair-text"],
  read,
};

/** Reads the text side of a gated pair: two towers, photographs first, whose texts are cut by one tokenizer. */
async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<TextTower> {
  const starts = modules.flatMap(({ kind }, i) => (kind === "Transformer" ? [i] : []));
  if (modules[0]?.kind !== "GatedPairText" || starts.length !== 2 || starts[0] !== 1) {
    const kinds = modules.map(({ kind }) => kind).join(" -> ");
    throw checkpoint.refusal(
      `modules.json: the modules ${kinds} are not implemented; expected GatedPairText and twice Transformer -> Pooling -> Dense`,
    );
  }
  const folder = modules[0].path;
  const { drawings_weight: drawingsWeight } = await checkpoint.json(`${folder}config.json`, schema);
  const photographs = await readDistilbert(checkpoint, modules.slice(1, starts[1]));
  const drawings = await readDistilbert(checkpoint, modules.slice(starts[1]));
  const [pieces, others] = [photographs.tower.vocabulary, drawings.tower.vocabulary];
  if (pieces !== others)
    throw checkpoint.refusal(`the towers read ${pieces} and ${others} pieces; expected the same vocabulary`);
  const shorter = photographs.tower.positions < drawings.tower.positions ? photographs : drawings;
  const count = photographs.weightFiles.length;
  return {
    architecture: gatedPairText.name,
    dimensions: photographs.tower.dimensions + drawings.tower.dimensions,
    weightFiles: [...photographs.weightFiles, ...drawings.weightFiles],
    ...(await readTokenizer(checkpoint, { ...shorter.tower, folder, padToken })),
    graph(tensors, arithmetic) {
      const [u, ...us] = tensors.slice(0, count);
      const [v, ...vs] = tensors.slice(count);
      return textPairGraph(
        { photographs: photographs.tower, drawings: drawings.tower, drawingsWeight },
        { photographs: { tensors: u!, denses: us }, drawings: { tensors: v!, denses: vs }, arithmetic }, // in the files' order
      );
    },
  };
}

const schema = configuration({
  model_type: exactly("gated-pair-text"),
  drawings_weight: z.number().positive(),
});
