import type { Graph, Value } from "../graph/graph.ts";
import { scaled } from "../graph/weight.ts";
import { feedForward } from "./feed-forward.ts";
import { type Builder, layerNorm } from "./layers.ts";
import { selfAttention } from "./self-attention.ts";

/** "gelu" is x Φ(x) with the exact error function, "gelu_pytorch_tanh" its approximation, "quick_gelu" x sigmoid(1.702 x). */
export const activations = ["quick_gelu", "gelu", "gelu_pytorch_tanh"] as const;

/** Describes the transformer that CLIP and SigLIP have in both of their towers: W wide, with H heads of D. */
export interface PreNormEncoder {
  /** What the names of its tensors begin with, such as `vision_model`. */
  prefix: string;
  width: number;
  layers: number;
  heads: number;
  mlpWidth: number;
  activation: (typeof activations)[number];
  epsilon: number;
}

export interface EncoderOptions {
  isCausal?: boolean;
  /**
   * Picks the token that leaves the tower, [N, T, W] -> [N, 1, W]: the last block computes queries and MLP for it alone.
   * Not for a causal encoder, whose tokens are told apart by their places.
   */
  pick?: (tokens: Value) => Value;
}

/** Runs the blocks one after the other. [N, T, W] -> [N, T, W], with `pick` [N, 1, W] */
export function encodeTokens(
  builder: Builder,
  encoder: PreNormEncoder,
  { x, isCausal = false, pick }: EncoderOptions & { x: Value },
): Value {
  for (let layer = 0; layer < encoder.layers; layer++) {
    const last = layer === encoder.layers - 1;
    x = transformerBlock(builder, encoder, { x, layer, isCausal, pick: last && pick ? pick : (all) => all });
  }
  return x;
}

/** Computes x + attention(norm(x)), then x + mlp(norm(x)). */
function transformerBlock(
  builder: Builder,
  encoder: PreNormEncoder,
  { x, layer, isCausal, pick }: Required<EncoderOptions> & { x: Value; layer: number },
): Value {
  const { graph } = builder;
  const { width, heads } = encoder;
  const prefix = `${encoder.prefix}.encoder.layers.${layer}`;
  const normed = layerNorm(builder, encoder, { name: `${prefix}.layer_norm1`, x });
  const attended = selfAttention(builder, {
    nameOf: (which) => `${prefix}.self_attn.${which}_proj`,
    queries: pick(normed),
    x: normed,
    heads,
    width,
    isCausal,
  });
  const mixed = graph.apply("Add", [pick(x), attended]);
  const normedAgain = layerNorm(builder, encoder, { name: `${prefix}.layer_norm2`, x: mixed });
  return graph.apply("Add", [mixed, mlp(builder, encoder, { name: `${prefix}.mlp`, x: normedAgain })]);
}

/**
 * Computes fc2(activation(fc1(x))). With s = 1.702, x sigmoid(s x) is (s x) sigmoid(s x) / s: the factors go into the
 * weights, which saves two passes. [..., W] -> [..., W]
 */
export function mlp(
  { graph, tensors, arithmetic }: Builder,
  { width, mlpWidth, activation }: PreNormEncoder,
  { name, x }: { name: string; x: Value },
): Value {
  const s = activation === "quick_gelu" ? 1.702 : 1;
  return feedForward({
    graph,
    arithmetic,
    x,
    first: {
      name: `${name}.fc1`,
      weight: scaled(tensors.weight(`${name}.fc1.weight`, [mlpWidth, width]), s),
      bias: scaled(tensors.weight(`${name}.fc1.bias`, [mlpWidth]), s),
    },
    second: {
      name: `${name}.fc2`,
      weight: scaled(tensors.weight(`${name}.fc2.weight`, [width, mlpWidth]), 1 / s),
      bias: tensors.weight(`${name}.fc2.bias`, [width]),
    },
    activate: (hidden) => activate(graph, hidden, activation),
  });
}

function activate(graph: Graph, x: Value, activation: PreNormEncoder["activation"]): Value {
  if (activation === "quick_gelu") return graph.apply("QuickGelu", [x], { alpha: { float: 1 } });
  return graph.apply("Gelu", [x], activation === "gelu" ? {} : { approximate: "tanh" });
}
