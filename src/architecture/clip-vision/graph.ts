import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import type { Weight } from "../../graph/weight.ts";
import { type Builder, layerNorm } from "../layers.ts";
import { embedPatches, gridOf, meanColour, type Patches } from "../patches.ts";
import { encodeTokens, type PreNormEncoder } from "../pre-norm-encoder.ts";

/** Describes CLIP's vision transformer, as its configuration does. */
export interface VisionTransformer {
  patches: Patches;
  encoder: PreNormEncoder;
  dimensions: number;
}

/** Maps pixels uint8 [N, S, S, 3] to embeddings [N, dimensions], not normalised. */
export function imageGraph(tower: VisionTransformer, parts: Omit<Builder, "graph">): Graph {
  const { imageSize } = tower.patches;
  const graph = createGraph();
  const pixels = graph.input({ name: "pixels", type: "uint8", shape: ["N", imageSize, imageSize, 3] });
  graph.give("embeddings", visionTransformer({ graph, ...parts }, tower, pixels), ["N", tower.dimensions]);
  return graph;
}

/**
 * Builds CLIP's vision transformer (https://arxiv.org/abs/2103.00020, section 2.4): pre-norm blocks over patches and a
 * class token, whose last state is projected. It maps pixels uint8 [N, S, S, 3] to [N, dimensions].
 * There are N pictures of S pixels a side, G x G patches, T = 1 + G² tokens, and the width is W.
 */
export function visionTransformer(builder: Builder, tower: VisionTransformer, pixels: Value): Value {
  const { graph, tensors, arithmetic } = builder;
  const { patches, encoder, dimensions } = tower;
  const { width } = encoder;
  let x = embedTokens(builder, patches, pixels); // [N, T, W]
  x = layerNorm(builder, encoder, { name: "vision_model.pre_layrnorm", x });
  const pick = (tokens: Value) =>
    graph.apply("Slice", [tokens, graph.integers(0), graph.integers(1), graph.integers(1)]); // the class token
  x = encodeTokens(builder, encoder, { x, pick }); // [N, 1, W]
  x = graph.apply("Reshape", [x, graph.integers(-1, width)]); // [N, W]
  return arithmetic.linear(graph, {
    name: "visual_projection",
    x: layerNorm(builder, encoder, { name: "vision_model.post_layernorm", x }),
    weight: tensors.weight("visual_projection.weight", [dimensions, width]),
    bias: undefined,
  });
}

/** A row of zeros goes before the patches; what is added to it, and only to it, is the class token. [N, T, W] */
function embedTokens(builder: Builder, patches: Patches, pixels: Value): Value {
  const { graph, tensors } = builder;
  const { patchSize, width } = patches;
  const embeddings = "vision_model.embeddings";
  const convolution = tensors.weight(`${embeddings}.patch_embedding.weight`, [width, 3, patchSize, patchSize]);
  const tokens = embedPatches(builder, { patches, convolution, pixels });
  const withClass = graph.apply("Pad", [tokens, graph.integers(0, 1, 0, 0, 0, 0)]);
  const classToken = tensors.weight(`${embeddings}.class_embedding`, [width]);
  const positions = tensors.weight(`${embeddings}.position_embedding.weight`, [1 + gridOf(patches) ** 2, width]);
  const added: Weight = {
    shape: positions.shape,
    async read() {
      const mean = await meanColour(patches, convolution);
      const offsets = await positions.read();
      const first = await classToken.read();
      for (let column = 0; column < width; column++) {
        offsets[column]! += first[column]!;
        for (let at = width + column; at < offsets.length; at += width) offsets[at]! -= mean[column]!;
      }
      return offsets;
    },
  };
  return graph.apply("Add", [withClass, graph.weight("token_offsets", added)]);
}
