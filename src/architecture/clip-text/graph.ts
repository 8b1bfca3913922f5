import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import { type Builder, layerNorm } from "../layers.ts";
import { encodeTokens, type PreNormEncoder } from "../pre-norm-encoder.ts";
import { embedTokens, textTables } from "../token-embedding.ts";

export interface TextTransformer {
  vocabulary: number;
  positions: number;
  encoder: PreNormEncoder;
  /** Token whose first occurrence ends a text; with "largest", the first token of the largest id does. */
  endOfText: number | "largest";
  dimensions: number;
}

/**
 * Builds CLIP's text transformer (https://arxiv.org/abs/2103.00020, section 2.4): causal pre-norm blocks, of which the
 * state at the end of the text is projected. It maps input_ids and attention_mask int64 [N, T] to embeddings [N,
 * dimensions], not normalised. What pads a text comes after its end, where no token that counts sees it.
 * There are N texts, T tokens in the longest, and the width is W.
 */
export function textGraph(tower: TextTransformer, parts: Omit<Builder, "graph">): Graph {
  const graph = createGraph();
  const builder = { graph, ...parts };
  const { encoder, dimensions } = tower;
  const { tensors, arithmetic } = builder;

  const ids = graph.input({ name: "input_ids", type: "int64", shape: ["N", "T"] });
  let x = embedTokens(builder, { ...tower, ...textTables, width: encoder.width, ids }); // [N, T, W]
  x = encodeTokens(builder, encoder, { x, isCausal: true });
  x = graph.apply("GatherND", [x, endOfText(graph, ids, tower)], { batch_dims: 1 }); // [N, W]
  const embeddings = arithmetic.linear(graph, {
    name: "text_projection",
    x: layerNorm(builder, encoder, { name: "text_model.final_layer_norm", x }),
    weight: tensors.weight("text_projection.weight", [dimensions, encoder.width]),
    bias: undefined,
  });
  graph.give("embeddings", embeddings, ["N", dimensions]);
  return graph;
}

/** Finds where each text ends, [N, 1]: at the first of its row's largest numbers. Ids below 2^24 are exact floats. */
function endOfText(graph: Graph, ids: Value, { endOfText }: TextTransformer): Value {
  if (endOfText !== "largest") {
    const isEnd = graph.apply("Cast", [graph.apply("Equal", [ids, graph.integers(endOfText)])], { to: 1 });
    return graph.apply("ArgMax", [isEnd], { axis: 1 });
  }
  const mask = graph.input({ name: "attention_mask", type: "int64", shape: ["N", "T"] });
  const ofText = graph.apply("Cast", [graph.apply("Mul", [ids, mask])], { to: 1 }); // padding has id 0
  return graph.apply("ArgMax", [ofText], { axis: 1 });
}
