import { attention } from "../../graph/attention.ts";
import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import { linearOf, rowsOf, type Weight } from "../../graph/weight.ts";
import { type Builder, layerNorm, linear } from "../layers.ts";
import { embedPatches, gridOf, meanColour, type Patches } from "../patches.ts";
import { encodeTokens, mlp, type PreNormEncoder } from "../pre-norm-encoder.ts";

/** Describes SigLIP's vision transformer, as its configuration does. Its vector is as long as it is wide. */
export interface VisionTransformer {
  patches: Patches;
  encoder: PreNormEncoder;
}

/**
 * Builds SigLIP's vision transformer (https://arxiv.org/abs/2303.15343): pre-norm blocks over patches, which a learned
 * probe sums up by attention. It maps pixels uint8 [N, S, S, 3] to embeddings [N, W], not normalised.
 * There are N pictures of S pixels a side and T patches, and the width is W.
 */
export function imageGraph({ patches, encoder }: VisionTransformer, parts: Omit<Builder, "graph">): Graph {
  const graph = createGraph();
  const builder = { graph, ...parts };
  const { imageSize } = patches;
  const pixels = graph.input({ name: "pixels", type: "uint8", shape: ["N", imageSize, imageSize, 3] });
  let x = embedTokens(builder, patches, pixels); // [N, T, W]
  x = encodeTokens(builder, encoder, { x });
  x = layerNorm(builder, encoder, { name: "vision_model.post_layernorm", x });
  x = poolByAttention(builder, encoder, x); // [N, 1, W]
  graph.give("embeddings", graph.apply("Reshape", [x, graph.integers(-1, encoder.width)]), ["N", encoder.width]);
  return graph;
}

/** Adds the vectors of patches and positions, which include the convolution's bias. [N, T, W] */
function embedTokens(builder: Builder, patches: Patches, pixels: Value): Value {
  const { graph, tensors } = builder;
  const { patchSize, width } = patches;
  const embeddings = "vision_model.embeddings";
  const convolution = tensors.weight(`${embeddings}.patch_embedding.weight`, [width, 3, patchSize, patchSize]);
  const bias = tensors.weight(`${embeddings}.patch_embedding.bias`, [width]);
  const positions = tensors.weight(`${embeddings}.position_embedding.weight`, [gridOf(patches) ** 2, width]);
  const added: Weight = {
    shape: positions.shape,
    async read() {
      const mean = await meanColour(patches, convolution);
      const constant = await bias.read();
      return (await positions.read()).map((value, at) => value + constant[at % width]! - mean[at % width]!);
    },
  };
  const tokens = embedPatches(builder, { patches, convolution, pixels });
  return graph.apply("Add", [tokens, graph.weight("token_offsets", added)]);
}

/** Computes y = attention(probe, x, x), then y + mlp(norm(y)). [N, T, W] -> [N, 1, W] */
function poolByAttention(builder: Builder, encoder: PreNormEncoder, x: Value): Value {
  const { graph, tensors, arithmetic } = builder;
  const { width, heads } = encoder;
  const head = "vision_model.head";
  const weights = tensors.weight(`${head}.attention.in_proj_weight`, [3 * width, width]); // of q, k and v
  const biases = tensors.weight(`${head}.attention.in_proj_bias`, [3 * width]);
  const part = (index: number) => ({
    weight: rowsOf(weights, index * width, width),
    bias: rowsOf(biases, index * width, width),
  });
  const project = (letter: string, index: number) =>
    arithmetic.linear(graph, { name: `${head}.attention.${letter}_proj`, x, ...part(index) });

  const probe = tensors.weight(`${head}.probe`, [1, 1, width]);
  // It is the same for every picture.
  const query = graph.weight(`${head}.query`, { ...linearOf(probe, part(0)), shape: probe.shape });
  const items = graph.apply("Shape", [x], { start: 0, end: 1 });
  const shape = graph.apply("Concat", [items, graph.integers(1, width)], { axis: 0 });
  const attended = attention(graph, {
    q: graph.apply("Expand", [query, shape]), // [N, 1, W]
    k: project("k", 1),
    v: project("v", 2),
    heads,
    width,
  });
  const pooled = linear(builder, { name: `${head}.attention.out_proj`, x: attended, inputs: width, outputs: width });
  const normed = layerNorm(builder, encoder, { name: `${head}.layernorm`, x: pooled });
  return graph.apply("Add", [pooled, mlp(builder, encoder, { name: `${head}.mlp`, x: normed })]);
}
