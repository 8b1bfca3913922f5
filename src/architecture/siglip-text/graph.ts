import { createGraph, type Graph } from "../../graph/graph.ts";
import { type Builder, layerNorm, linear } from "../layers.ts";
import { encodeTokens, type PreNormEncoder } from "../pre-norm-encoder.ts";
import { embedTokens, textTables } from "../token-embedding.ts";

/** Describes SigLIP's text transformer, as its configuration does. */
export interface TextTransformer {
  vocabulary: number;
  positions: number;
  encoder: PreNormEncoder;
  dimensions: number;
}

/**
 * Builds SigLIP's text transformer (https://arxiv.org/abs/2303.15343): pre-norm blocks, of which the state at the last
 * position is projected. Every text is padded to all positions, and padding counts like any other token. It maps
 * input_ids int64 [N, T] to embeddings [N, dimensions], not normalised.
 * There are N texts and T positions, and the width is W.
 */
export function textGraph(tower: TextTransformer, parts: Omit<Builder, "graph">): Graph {
  const graph = createGraph();
  const builder = { graph, ...parts };
  const { encoder, dimensions } = tower;
  const { width } = encoder;

  const ids = graph.input({ name: "input_ids", type: "int64", shape: ["N", tower.positions] });
  let x = embedTokens(builder, { ...tower, ...textTables, width, ids }); // [N, T, W]
  const pick = (tokens: string) =>
    graph.apply("Slice", [tokens, graph.integers(-1), graph.integers(tower.positions), graph.integers(1)]);
  x = encodeTokens(builder, encoder, { x, pick }); // [N, 1, W]
  x = graph.apply("Reshape", [x, graph.integers(-1, width)]); // [N, W]
  x = layerNorm(builder, encoder, { name: "text_model.final_layer_norm", x });
  const embeddings = linear(builder, { name: "text_model.head", x, inputs: width, outputs: dimensions });
  graph.give("embeddings", embeddings, ["N", dimensions]);
  return graph;
}
