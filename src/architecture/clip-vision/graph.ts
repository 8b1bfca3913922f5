import type { Safetensors } from "../../checkpoint/safetensors.ts";
import type { Arithmetic } from "../../graph/arithmetic.ts";
import { attention } from "../../graph/attention.ts";
import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import { scaled, type Weight } from "../../graph/weight.ts";
import type { VisionTransformer } from "./reader.ts";

/** pixels uint8 [N, S, S, 3] -> embeddings [N, dimensions], not normalised. */
export function imageGraph(options: Omit<Parts, "graph">): Graph {
  const { imageSize, dimensions } = options.tower;
  const graph = createGraph();
  const pixels = graph.input({ name: "pixels", type: "uint8", shape: ["N", imageSize, imageSize, 3] });
  graph.give("embeddings", visionTransformer({ graph, ...options }, pixels), ["N", dimensions]);
  return graph;
}

/**
 * CLIP's vision transformer (https://arxiv.org/abs/2103.00020, section 2.4): pre-norm blocks over patches and a class
 * token, whose last state is projected. pixels uint8 [N, S, S, 3] -> [N, dimensions]
 * N pictures, S pixels a side, G x G patches of P pixels, T = 1 + G² tokens, W width, H heads of D.
 */
export function visionTransformer(parts: Parts, pixels: Value): Value {
  const { graph, tower, tensors, arithmetic } = parts;
  let x = embedPatches(parts, pixels); // [N, T, W]
  x = layerNorm(parts, x, "vision_model.pre_layrnorm");
  for (let layer = 0; layer < tower.layers; layer++) {
    x = transformerBlock(parts, x, layer); // [N, T, W], from the last [N, 1, W]
  }
  const classToken = graph.apply("Reshape", [x, graph.integers(-1, tower.width)]); // [N, W]
  return arithmetic.linear(graph, {
    name: "visual_projection",
    x: layerNorm(parts, classToken, "vision_model.post_layernorm"),
    weight: tensors.weight("visual_projection.weight", [tower.dimensions, tower.width]),
    bias: undefined,
  });
}

interface Parts {
  graph: Graph;
  tower: VisionTransformer;
  tensors: Safetensors;
  arithmetic: Arithmetic;
}

/** The patch convolution as a matrix product: its stride is its size, so patches do not overlap. */
function embedPatches({ graph, tower, tensors, arithmetic }: Parts, input: Value): Value {
  const { imageSize, patchSize, width } = tower;
  const grid = Math.floor(imageSize / patchSize); // the convolution leaves out what does not fill a patch
  let pixels = input;
  if (grid * patchSize < imageSize) {
    const end = grid * patchSize;
    pixels = graph.apply("Slice", [pixels, graph.integers(0, 0), graph.integers(end, end), graph.integers(1, 2)]);
  }
  let patches = graph.apply("Reshape", [pixels, graph.integers(0, grid, patchSize, grid, patchSize * 3)]);
  patches = graph.apply("Transpose", [patches], { perm: [0, 1, 3, 2, 4] }); // [N, G, G, P, P * 3]
  patches = graph.apply("Reshape", [patches, graph.integers(0, grid * grid, patchSize * patchSize * 3)]);

  const convolution = tensors.weight("vision_model.embeddings.patch_embedding.weight", [
    width,
    3,
    patchSize,
    patchSize,
  ]);
  const tokens = arithmetic.linearOfBytes(graph, {
    name: "patch_embedding",
    x: patches,
    weight: patchWeight(convolution, tower),
  }); // [N, G², W]

  // A row of zeros goes before the patches; what is added to it, and only to it, is the class token.
  const withClass = graph.apply("Pad", [tokens, graph.integers(0, 1, 0, 0, 0, 0)]); // [N, T, W]
  const added = tokenOffsets({
    convolution,
    classToken: tensors.weight("vision_model.embeddings.class_embedding", [width]),
    positions: tensors.weight("vision_model.embeddings.position_embedding.weight", [1 + grid * grid, width]),
    tower,
  });
  return graph.apply("Add", [withClass, graph.weight("token_offsets", added)]);
}

/**
 * The convolution's weight for bytes in picture order. The reference feeds (byte / 255 - mean) / std; the division goes
 * into the weight here, the subtraction into `tokenOffsets`. [W, 3, P, P] -> [W, P * P * 3]
 */
function patchWeight(convolution: Weight, { patchSize, width, std }: VisionTransformer): Weight {
  const area = patchSize * patchSize;
  return {
    shape: [width, area * 3],
    async read() {
      const source = await convolution.read();
      const target = new Float32Array(source.length);
      for (let row = 0; row < width; row++) {
        for (let channel = 0; channel < 3; channel++) {
          for (let at = 0; at < area; at++) {
            target[(row * area + at) * 3 + channel] = source[(row * 3 + channel) * area + at]! / (255 * std[channel]!);
          }
        }
      }
      return target;
    },
  };
}

/** Positions, plus the class token in the first row and, in the others, what a patch of the mean colour takes away. [T, W] */
function tokenOffsets(parts: {
  convolution: Weight;
  classToken: Weight;
  positions: Weight;
  tower: VisionTransformer;
}): Weight {
  const { mean, std, patchSize, width } = parts.tower;
  const area = patchSize * patchSize;
  return {
    shape: parts.positions.shape,
    async read() {
      const convolution = await parts.convolution.read();
      const classToken = await parts.classToken.read();
      const offsets = await parts.positions.read();
      for (let column = 0; column < width; column++) {
        offsets[column]! += classToken[column]!;
        let meanColour = 0; // in float64, as every number here
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0;
          for (let at = 0; at < area; at++) sum += convolution[(column * 3 + channel) * area + at]!;
          meanColour += (sum * mean[channel]!) / std[channel]!;
        }
        for (let at = width + column; at < offsets.length; at += width) offsets[at]! -= meanColour;
      }
      return offsets;
    },
  };
}

/**
 * x + attention(norm(x)), then x + mlp(norm(x)). Only the class token leaves the tower, so the last block computes
 * queries and MLP for it alone. [N, T, W] -> [N, T, W], from the last block [N, 1, W]
 */
function transformerBlock(parts: Parts, x: Value, layer: number): Value {
  const { graph, tower, tensors, arithmetic } = parts;
  const { width, heads, mlpWidth } = tower;
  const prefix = `vision_model.encoder.layers.${layer}`;
  const weight = (name: string, shape: [number, number]) => tensors.weight(`${prefix}.${name}.weight`, shape);
  const bias = (name: string, outputs: number) => tensors.weight(`${prefix}.${name}.bias`, [outputs]);
  const firstToken = (value: Value) =>
    graph.apply("Slice", [value, graph.integers(0), graph.integers(1), graph.integers(1)]); // [N, 1, W]

  const normed = layerNorm(parts, x, `${prefix}.layer_norm1`);
  const last = layer === tower.layers - 1;
  const project = (letter: string, input: Value) =>
    arithmetic.linear(graph, {
      name: `${prefix}.self_attn.${letter}_proj`,
      x: input,
      weight: weight(`self_attn.${letter}_proj`, [width, width]),
      bias: bias(`self_attn.${letter}_proj`, width),
    });
  const attended = attention(graph, {
    q: project("q", last ? firstToken(normed) : normed),
    k: project("k", normed),
    v: project("v", normed),
    heads,
    width,
    mask: undefined,
  });
  const mixed = graph.apply("Add", [
    last ? firstToken(x) : x,
    arithmetic.linear(graph, {
      name: `${prefix}.self_attn.out_proj`,
      x: attended,
      weight: weight("self_attn.out_proj", [width, width]),
      bias: bias("self_attn.out_proj", width),
    }),
  ]);

  // With s = 1.702, x sigmoid(s x) is (s x) sigmoid(s x) / s: the factors go into the weights, which saves two passes.
  const s = tower.activation === "quick_gelu" ? 1.702 : 1;
  const hidden = arithmetic.linear(graph, {
    name: `${prefix}.mlp.fc1`,
    x: layerNorm(parts, mixed, `${prefix}.layer_norm2`),
    weight: scaled(weight("mlp.fc1", [mlpWidth, width]), s),
    bias: scaled(bias("mlp.fc1", mlpWidth), s),
  });
  const active =
    tower.activation === "quick_gelu"
      ? graph.apply("QuickGelu", [hidden], { alpha: { float: 1 } })
      : graph.apply("Gelu", [hidden]); // x Φ(x) with the exact error function
  const output = arithmetic.linear(graph, {
    name: `${prefix}.mlp.fc2`,
    x: active,
    weight: scaled(weight("mlp.fc2", [width, mlpWidth]), 1 / s),
    bias: bias("mlp.fc2", width),
  });
  return graph.apply("Add", [mixed, output]);
}

function layerNorm({ graph, tower, tensors }: Parts, x: Value, name: string): Value {
  const scale = graph.weight(`${name}.weight`, tensors.weight(`${name}.weight`, [tower.width]));
  const bias = graph.weight(`${name}.bias`, tensors.weight(`${name}.bias`, [tower.width]));
  return graph.apply("LayerNormalization", [x, scale, bias], { epsilon: { float: tower.epsilon } });
}
