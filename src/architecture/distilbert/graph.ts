import type { Safetensors } from "../../checkpoint/safetensors.ts";
import type { Arithmetic } from "../../graph/arithmetic.ts";
import { attention } from "../../graph/attention.ts";
import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import { firstRows } from "../token-embedding.ts";
import type { Distilbert } from "./reader.ts";

/** The architecture fixes this, not a configuration. */
const epsilon = 1e-12;

/**
 * DistilBERT (https://arxiv.org/abs/1910.01108; post-norm blocks), the mean over its tokens, and dense layers.
 * input_ids and attention_mask int64 [N, T] -> embeddings [N, dimensions], not normalised.
 * N texts, T tokens in the longest, W width, H heads of D.
 */
export function textGraph(options: Omit<Parts, "graph" | "prefix"> & { denses: readonly Safetensors[] }): Graph {
  const { tower, tensors, arithmetic, denses } = options;
  const graph = createGraph();
  const prefix = tensors.names.has("distilbert.embeddings.word_embeddings.weight") ? "distilbert." : "";
  const parts = { graph, tower, tensors, arithmetic, prefix };

  const ids = graph.input({ name: "input_ids", type: "int64", shape: ["N", "T"] });
  const attentionMask = graph.input({ name: "attention_mask", type: "int64", shape: ["N", "T"] });
  const counts = graph.apply("Cast", [attentionMask], { to: 1 }); // [N, T]: 1 for a token, 0 for padding
  const mask = additiveMask(graph, counts);

  let x = embedTokens(parts, ids); // [N, T, W]
  for (let layer = 0; layer < tower.layers; layer++) {
    x = transformerBlock(parts, x, { mask, layer });
  }
  x = meanOfTokens(graph, x, counts, tower.width); // [N, W]
  for (const [layer, tensors] of denses.entries()) x = denseLayer(parts, x, { layer, tensors });
  graph.give("embeddings", x, ["N", tower.dimensions]);
  return graph;
}

interface Parts {
  graph: Graph;
  tower: Distilbert;
  tensors: Safetensors;
  arithmetic: Arithmetic;
  /** Of tensor names: some checkpoints carry "distilbert.". */
  prefix: string;
}

/**
 * Turns the mask [N, T] into what is added to scores, [N, 1, T, T]: 0 for tokens and -1e9 for padding, whose weight is
 * then exactly 0 after the softmax. It is the same for every query, which the operator wants spelled out.
 */
function additiveMask(graph: Graph, counts: Value): Value {
  const padding = graph.apply("Sub", [counts, graph.number(1)]);
  const additive = graph.apply("Mul", [padding, graph.number(1e9)]);
  const row = graph.apply("Unsqueeze", [additive, graph.integers(1, 2)]);
  const tokens = graph.apply("Shape", [counts], { start: 1, end: 2 });
  const shape = graph.apply("Concat", [graph.integers(1, 1), tokens, graph.integers(1)], { axis: 0 });
  return graph.apply("Expand", [row, shape]);
}

/** Adds the vectors of words and positions, and normalises. ids [N, T] -> [N, T, W] */
function embedTokens(parts: Parts, ids: Value): Value {
  const { graph, tower, tensors, arithmetic, prefix } = parts;
  const words = arithmetic.rows(graph, {
    name: "word_embeddings",
    ids,
    table: tensors.weight(`${prefix}embeddings.word_embeddings.weight`, [tower.vocabulary, tower.width]),
  });
  const table = tensors.weight(`${prefix}embeddings.position_embeddings.weight`, [tower.positions, tower.width]);
  const places = firstRows(graph, { name: "position_embeddings", table, ids }); // [T, W]
  return layerNorm(parts, graph.apply("Add", [words, places]), "embeddings.LayerNorm");
}

/** Computes norm(x + attention(x)), then norm(x + mlp(x)). [N, T, W] -> [N, T, W] */
function transformerBlock(parts: Parts, x: Value, { mask, layer }: { mask: Value; layer: number }): Value {
  const { graph, tower, tensors, arithmetic } = parts;
  const { width, heads, mlpWidth } = tower;
  const name = `transformer.layer.${layer}`;
  const parameter = (which: string, shape: number[]) => tensors.weight(`${parts.prefix}${name}.${which}`, shape);
  const linear = (which: string, input: Value, [outputs, inputs]: [number, number]) =>
    arithmetic.linear(graph, {
      name: `${name}.${which}`,
      x: input,
      weight: parameter(`${which}.weight`, [outputs, inputs]),
      bias: parameter(`${which}.bias`, [outputs]),
    });

  const attended = attention(graph, {
    q: linear("attention.q_lin", x, [width, width]),
    k: linear("attention.k_lin", x, [width, width]),
    v: linear("attention.v_lin", x, [width, width]),
    heads,
    width,
    mask,
  });
  const mixture = linear("attention.out_lin", attended, [width, width]);
  const mixed = layerNorm(parts, graph.apply("Add", [x, mixture]), `${name}.sa_layer_norm`);

  const hidden = graph.apply("Gelu", [linear("ffn.lin1", mixed, [mlpWidth, width])]); // exact error function
  const output = linear("ffn.lin2", hidden, [width, mlpWidth]);
  return layerNorm(parts, graph.apply("Add", [mixed, output]), `${name}.output_layer_norm`);
}

/**
 * Computes sum(x * mask) / max(sum(mask), 1e-9) as a product, which unlike ReduceSum adds in the same order for one
 * text and for several. x [N, T, W], counts [N, T] -> [N, W]
 */
function meanOfTokens(graph: Graph, x: Value, counts: Value, width: number): Value {
  const row = graph.apply("Unsqueeze", [counts, graph.integers(1)]); // [N, 1, T]
  const sum = graph.apply("Reshape", [graph.apply("MatMul", [row, x]), graph.integers(-1, width)]); // [N, W]
  const tokens = graph.apply("ReduceSum", [counts, graph.integers(1)]); // [N, 1], small integers: exact
  return graph.apply("Div", [sum, graph.apply("Max", [tokens, graph.number(1e-9)])]);
}

/** Adds a dense layer of sentence-transformers. [N, inputs] -> [N, outputs] */
function denseLayer(
  { graph, tower, arithmetic }: Parts,
  x: Value,
  { layer, tensors }: { layer: number; tensors: Safetensors },
): Value {
  const { inputs, outputs, bias, activation } = tower.denses[layer]!;
  const result = arithmetic.linear(graph, {
    name: layer === 0 ? "dense" : `dense.${layer}`,
    x,
    weight: tensors.weight("linear.weight", [outputs, inputs]),
    bias: bias ? tensors.weight("linear.bias", [outputs]) : undefined,
  });
  return activation === "gelu" ? graph.apply("Gelu", [result]) : result;
}

function layerNorm({ graph, tower, tensors, prefix }: Parts, x: Value, name: string): Value {
  const scale = graph.weight(`${name}.weight`, tensors.weight(`${prefix}${name}.weight`, [tower.width]));
  const bias = graph.weight(`${name}.bias`, tensors.weight(`${prefix}${name}.bias`, [tower.width]));
  return graph.apply("LayerNormalization", [x, scale, bias], { epsilon: { float: epsilon } });
}
