import type { Safetensors } from "../../checkpoint/safetensors.ts";
import { type Arithmetic, fp32 } from "../../graph/arithmetic.ts";
import { createGraph, type Graph, type Value } from "../../graph/graph.ts";
import { scaled, transposed, type Weight } from "../../graph/weight.ts";
import { visionTransformer } from "../clip-vision/graph.ts";
import { convolutionalFeatures } from "../efficientnet-lite/graph.ts";
import { unitLength } from "../unit-length.ts";
import type { GatedPair } from "./reader.ts";
import { type ResizeBlock, resizeBlocks } from "./resize-blocks.ts";

const uint8 = 2; // ONNX's number for the type

interface Parts {
  graph: Graph;
  tower: GatedPair;
  /** The gate's file also holds the class vectors. */
  tensors: { gate: Safetensors; drawings: Safetensors; photographs: Safetensors };
  arithmetic: Arithmetic;
}

/**
 * Builds two towers for two kinds of pictures, each with its own part of the vector: [a u, b v]. u is what a classifier
 * of photographs sees, as a mixture of its classes' vectors (ConSE, https://arxiv.org/abs/1312.5650); v is what the
 * vision transformer sees in drawings; u and v have unit length. The gate g, from 0 for a drawing to 1 for a
 * photograph, makes a = floor + (1 - floor) g and b = 1 + floor - a, so that the part that does not fit counts little.
 * It maps pixels uint8 [N, S, S, 3] to embeddings [N, dimensions], not normalised.
 */
export function imageGraph(options: Omit<Parts, "graph">): Graph {
  const { tower } = options;
  const graph = createGraph();
  const parts = { graph, ...options };
  const size = tower.imageSize;

  const pixels = graph.input({ name: "pixels", type: "uint8", shape: ["N", size, size, 3] });
  const planes = graph.apply("Transpose", [pixels], { perm: [0, 3, 1, 2] });
  const bytes = graph.apply("Cast", [planes], { to: 1 }); // [N, 3, S, S]

  const features = convolutionalFeatures(
    { graph, tower: tower.photographs, tensors: options.tensors.photographs },
    middleOf(parts, bytes),
  );
  const logits = classifierLogits(parts, features); // [N, classes]
  const u = unitLength(graph, mixtureOfClasses(parts, logits)); // [N, photographDimensions]
  const v = unitLength(graph, drawingVector(parts, bytes)); // [N, dimensions - photographDimensions]

  const share = photographShare(parts, { features, logits }); // a, [N, 1]
  const rest = graph.apply("Sub", [graph.number(1 + tower.floor), share]); // b
  const weighted = [graph.apply("Mul", [u, share]), graph.apply("Mul", [v, rest])];
  graph.give("embeddings", graph.apply("Concat", weighted, { axis: 1 }), ["N", tower.dimensions]);
  return graph;
}

/** Cuts off the border, where photographs show least, so that the classifier costs less. [N, 3, S, S] to its own size */
function middleOf({ graph, tower }: Parts, bytes: Value): Value {
  const side = tower.photographs.imageSize;
  const first = (tower.imageSize - side) >> 1;
  const [start, end] = [graph.integers(first, first), graph.integers(first + side, first + side)];
  return graph.apply("Slice", [bytes, start, end, graph.integers(2, 3)]);
}

/** Computes logits / temperature, in fp32: the softmax magnifies errors. */
function classifierLogits({ graph, tower, tensors }: Parts, features: Value): Value {
  const { classes, headWidth } = tower.photographs;
  return fp32.linear(graph, {
    name: "classifier",
    x: features,
    weight: scaled(tensors.photographs.weight("fc.weight", [classes, headWidth]), 1 / tower.temperature),
    bias: scaled(tensors.photographs.weight("fc.bias", [classes]), 1 / tower.temperature),
  });
}

/** Computes softmax(logits) times a vector for each class. */
function mixtureOfClasses({ graph, tower, tensors }: Parts, logits: Value): Value {
  const probabilities = graph.apply("Softmax", [logits], { axis: 1 }); // [N, classes]
  const vectors = tensors.gate.weight("class_vectors", [tower.photographs.classes, tower.photographDimensions]);
  return graph.apply("MatMul", [probabilities, graph.weight("class_vectors", vectors)]);
}

/** Makes the picture as small as the transformer takes it, and runs that on bytes. bytes float32 [N, 3, S, S] */
function drawingVector({ graph, tower, tensors, arithmetic }: Parts, bytes: Value): Value {
  const blocks = resizeBlocks({ from: tower.imageSize, to: tower.drawings.patches.imageSize });
  const small = resized(graph, { x: resized(graph, { x: bytes, axis: 2, blocks }), axis: 3, blocks });
  const clipped = graph.apply("Clip", [graph.apply("Round", [small]), graph.number(0), graph.number(255)]);
  const pixels = graph.apply("Transpose", [graph.apply("Cast", [clipped], { to: uint8 })], { perm: [0, 2, 3, 1] });
  return visionTransformer({ graph, tensors: tensors.drawings, arithmetic }, tower.drawings, pixels);
}

/** Resizes rows (axis 2) or columns (axis 3) of x [N, 3, rows, columns], block by block. */
function resized(graph: Graph, { x, axis, blocks }: { x: Value; axis: 2 | 3; blocks: readonly ResizeBlock[] }): Value {
  const parts = blocks.map(({ first, end, weight }, i) => {
    const seen = graph.apply("Slice", [x, graph.integers(first), graph.integers(end), graph.integers(axis)]);
    return axis === 2
      ? graph.apply("MatMul", [graph.weight(`resize_rows.${i}`, weight), seen])
      : graph.apply("MatMul", [seen, graph.weight(`resize_columns.${i}`, transposed(weight))]);
  });
  return graph.apply("Concat", parts, { axis });
}

/**
 * Computes floor + (1 - floor) sigmoid(w x + bias), [N, 1]. x has the features, the largest logit and the features'
 * length: the classifier is sure of most photographs, and of few drawings that are shaded like one.
 */
function photographShare(
  { graph, tower, tensors }: Parts,
  { features, logits }: { features: Value; logits: Value },
): Value {
  const largest = graph.apply("ReduceMax", [logits, graph.integers(1)], { keepdims: 1 });
  const length = graph.apply("ReduceL2", [features, graph.integers(1)], { keepdims: 1 });
  const x = graph.apply("Concat", [features, largest, length], { axis: 1 });
  const weight: Weight = tensors.gate.weight("gate.weight", [1, tower.photographs.headWidth + 2]);
  const bias = tensors.gate.weight("gate.bias", [1]);
  const gate = graph.apply("Sigmoid", [fp32.linear(graph, { name: "gate", x, weight, bias })]);
  const scaledGate = graph.apply("Mul", [gate, graph.number(1 - tower.floor)]);
  return graph.apply("Add", [scaledGate, graph.number(tower.floor)]);
}
