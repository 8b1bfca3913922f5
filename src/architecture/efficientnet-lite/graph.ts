import type { Safetensors } from "../../checkpoint/safetensors.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import { scaled } from "../../graph/weight.ts";
import type { EfficientNetLite, Stage } from "./reader.ts";

export interface Parts {
  graph: Graph;
  tower: EfficientNetLite;
  tensors: Safetensors;
}

/** Holds a picture's features on their way, [N, width, side, side]. */
interface Features {
  value: Value;
  width: number;
  side: number;
}

interface Convolution {
  name: string;
  width: number;
  kernel: number;
  stride?: number;
  /** Tells whether each channel is convolved by itself; otherwise every channel sees all. */
  depthwise?: boolean;
  /** The weight is multiplied with this. */
  factor?: number;
}

/**
 * Builds EfficientNet-Lite (https://arxiv.org/abs/1905.11946, section 4; Lite has ReLU6 and no squeeze-and-excitation):
 * inverted bottlenecks between a stem and a head, and the mean over all positions. Its convolutions are always computed
 * in fp32: int8 inputs cost three points of recall and are no faster (docs/int8.md).
 * It maps bytes float32 [N, 3, S, S], from 0 to 255, to features [N, headWidth].
 */
export function convolutionalFeatures(parts: Parts, bytes: Value): Value {
  const { graph, tower } = parts;
  // The mean is taken away here and not in the stem's bias, as the padding comes after it.
  const centred = graph.apply("Sub", [bytes, graph.number(tower.mean)]);
  const stem = { name: "conv_stem", width: tower.stemWidth, kernel: 3, stride: 2, factor: 1 / tower.std };
  let x = relu6(graph, convolve(parts, { value: centred, width: 3, side: tower.imageSize }, stem));
  for (const [block, stage] of tower.stages.flatMap(blocksOf).entries()) {
    x = invertedBottleneck(parts, x, { ...stage, name: `blocks.${block}` });
  }
  x = relu6(graph, convolve(parts, x, { name: "conv_head", width: tower.headWidth, kernel: 1 }));
  const mean = graph.apply("GlobalAveragePool", [x.value]); // [N, headWidth, 1, 1]
  return graph.apply("Reshape", [mean, graph.integers(-1, tower.headWidth)]);
}

function blocksOf(stage: Stage): Stage[] {
  return Array.from({ length: stage.blocks }, (_, i) => ({ ...stage, stride: i === 0 ? stage.stride : 1 }));
}

/** Expands, convolves depthwise and projects; the block's input is added where the shapes are equal. */
function invertedBottleneck(
  parts: Parts,
  x: Features,
  { name, kernel, stride, expansion, width }: Stage & { name: string },
): Features {
  const { graph } = parts;
  const hidden = x.width * expansion;
  const expanded =
    expansion === 1 ? x : relu6(graph, convolve(parts, x, { name: `${name}.expand_conv`, width: hidden, kernel: 1 }));
  const depthwise = { name: `${name}.depthwise_conv`, width: hidden, kernel, stride, depthwise: true };
  const mixed = relu6(graph, convolve(parts, expanded, depthwise));
  const projected = convolve(parts, mixed, { name: `${name}.project_conv`, width, kernel: 1 });
  const keepsShape = stride === 1 && width === x.width;
  return keepsShape ? { ...projected, value: graph.apply("Add", [x.value, projected.value]) } : projected;
}

/**
 * Adds a convolution with bias. Its padding is TensorFlow's SAME: an odd number of rows has the larger half below. But an
 * odd side is halved downwards: that costs less, and finds more in pictures of these sizes (training/RESULTS.md).
 */
function convolve({ graph, tensors }: Parts, x: Features, convolution: Convolution): Features {
  const { name, width, kernel, stride = 1, depthwise = false, factor = 1 } = convolution;
  const side = Math.floor(x.side / stride);
  const padding = Math.max(0, (side - 1) * stride + kernel - x.side);
  const before = padding >> 1;
  const weight = tensors.weight(`${name}.weight`, [width, depthwise ? 1 : x.width, kernel, kernel]);
  const value = graph.apply(
    "Conv",
    [
      x.value,
      graph.weight(`${name}.weight`, factor === 1 ? weight : scaled(weight, factor)),
      graph.weight(`${name}.bias`, tensors.weight(`${name}.bias`, [width])),
    ],
    {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [before, before, padding - before, padding - before],
      group: depthwise ? x.width : 1,
    },
  );
  return { value, width, side };
}

function relu6(graph: Graph, x: Features): Features {
  return { ...x, value: graph.apply("Clip", [x.value, graph.number(0), graph.number(6)]) };
}
