import { renamed, type Safetensors } from "../../checkpoint/safetensors.ts";
import type { Arithmetic } from "../../graph/arithmetic.ts";
import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import { feedForward } from "../feed-forward.ts";
import { type Builder, layerNorm, operands } from "../layers.ts";
import { selfAttention } from "../self-attention.ts";
import { embedTokens } from "../token-embedding.ts";
import type { Dense, Distilbert } from "./reader.ts";

/** The architecture fixes this, not a configuration. */
const epsilon = 1e-12;

/**
 * Builds the graph of one tower.
 * input_ids and attention_mask int64 [N, T] -> embeddings [N, dimensions], not normalised.
 */
export function textGraph(tower: Distilbert, { arithmetic, ...files }: Files & { arithmetic: Arithmetic }): Graph {
  const graph = createGraph();
  const tokens = tokenInputs(graph);
  graph.give("embeddings", textVector({ graph, arithmetic }, tower, { tokens, files }), ["N", tower.dimensions]);
  return graph;
}

/** Holds both inputs, int64 [N, T]. */
interface Tokens {
  ids: Value;
  attentionMask: Value;
}

export function tokenInputs(graph: Graph): Tokens {
  const input = (name: string) => graph.input({ name, type: "int64", shape: ["N", "T"] });
  return { ids: input("input_ids"), attentionMask: input("attention_mask") };
}

/** Holds the tensors of the transformer and those of each dense layer. */
export interface Files {
  tensors: Safetensors;
  denses: readonly Safetensors[];
}

/**
 * DistilBERT (https://arxiv.org/abs/1910.01108; post-norm blocks), the mean over its tokens, and dense layers.
 * N texts, T tokens in the longest, W width, H heads of D. [N, T] -> [N, dimensions]
 * @param prefix of the names of its layers and constants, which tells two towers of one graph apart
 */
export function textVector(
  { graph, arithmetic }: Omit<Builder, "tensors">,
  tower: Distilbert,
  { tokens, files, prefix = "" }: { tokens: Tokens; files: Files; prefix?: string },
): Value {
  const builder = { graph, arithmetic, tensors: namedFrom(prefix, files.tensors) };
  const counts = graph.apply("Cast", [tokens.attentionMask], { to: 1 }); // [N, T]: 1 for a token, 0 for padding
  const mask = additiveMask(graph, counts);

  const tables = { folder: `${prefix}embeddings.`, prefix, words: "word_embeddings", places: "position_embeddings" };
  let x = embedTokens(builder, { ...tower, ...tables, ids: tokens.ids }); // [N, T, W]
  x = layerNorm(builder, { ...tower, epsilon }, { name: `${tables.folder}LayerNorm`, x });
  for (let layer = 0; layer < tower.layers; layer++) {
    x = transformerBlock(builder, tower, { x, mask, name: `${prefix}transformer.layer.${layer}` });
  }
  x = meanOfTokens(graph, x, counts, tower.width); // [N, W]
  for (const [layer, tensors] of files.denses.entries()) {
    const name = layer === 0 ? "dense" : `dense.${layer}`;
    x = denseLayer({ ...builder, tensors }, tower.denses[layer]!, { name: `${prefix}${name}`, x });
  }
  return x;
}

/** Shows tensors by names that begin with our prefix; some checkpoints put "distilbert." before the names of all. */
function namedFrom(prefix: string, tensors: Safetensors): Safetensors {
  const own = tensors.names.has("distilbert.embeddings.word_embeddings.weight") ? "distilbert." : "";
  return renamed(tensors, (name) => own + name.slice(prefix.length));
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

/** Computes norm(x + attention(x)), then norm(x + mlp(x)). [N, T, W] -> [N, T, W] */
function transformerBlock(
  builder: Builder,
  { width, heads, mlpWidth }: Distilbert,
  { x, mask, name }: { x: Value; mask: Value; name: string },
): Value {
  const { graph, tensors, arithmetic } = builder;
  const norm = (which: string, x: Value) => layerNorm(builder, { width, epsilon }, { name: `${name}.${which}`, x });

  const attended = selfAttention(builder, {
    nameOf: (which) => `${name}.attention.${which}_lin`,
    queries: x,
    x,
    heads,
    width,
    mask,
  });
  const mixed = norm("sa_layer_norm", graph.apply("Add", [x, attended]));
  const added = feedForward({
    graph,
    arithmetic,
    x: mixed,
    first: operands(tensors, `${name}.ffn.lin1`, [mlpWidth, width]),
    second: operands(tensors, `${name}.ffn.lin2`, [width, mlpWidth]),
    activate: (hidden) => graph.apply("Gelu", [hidden]), // exact error function
  });
  return norm("output_layer_norm", graph.apply("Add", [mixed, added]));
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
  { graph, tensors, arithmetic }: Builder,
  { inputs, outputs, bias, activation }: Dense,
  { name, x }: { name: string; x: Value },
): Value {
  const result = arithmetic.linear(graph, {
    name,
    x,
    weight: tensors.weight("linear.weight", [outputs, inputs]),
    bias: bias ? tensors.weight("linear.bias", [outputs]) : undefined,
  });
  return activation === "gelu" ? graph.apply("Gelu", [result]) : result;
}
