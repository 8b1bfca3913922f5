import type { Arithmetic } from "../../graph/arithmetic.ts";
import { createGraph, type Graph } from "../../graph/graph.ts";
import { type Files, textVector, tokenInputs } from "../distilbert/graph.ts";
import type { Distilbert } from "../distilbert/reader.ts";
import { unitLength } from "../unit-length.ts";

/** Describes the text side of a gated pair: a tower for photographs and one for drawings. */
export interface TextPair {
  photographs: Distilbert;
  drawings: Distilbert;
  /** Length of the half for drawings, in multiples of the other half. */
  drawingsWeight: number;
}

/**
 * Builds [u, w v]: what a text means among photographs, and where its drawings lie. A text does not say which of both is
 * looked for, so u and v have unit length, and the gate of a picture decides between them. The weight w makes up for
 * pictures being nearer to their u than to their v.
 * It maps input_ids and attention_mask int64 [N, T] to embeddings [N, dimensions], not normalised.
 */
export function textPairGraph(
  { photographs, drawings, drawingsWeight }: TextPair,
  { arithmetic, ...files }: { arithmetic: Arithmetic; photographs: Files; drawings: Files },
): Graph {
  const graph = createGraph();
  const tokens = tokenInputs(graph);
  const vector = (tower: Distilbert, files: Files, prefix: string) =>
    unitLength(graph, textVector({ graph, arithmetic }, tower, { tokens, files, prefix }));
  const u = vector(photographs, files.photographs, "photographs.");
  const v = vector(drawings, files.drawings, "drawings.");
  const dimensions = photographs.dimensions + drawings.dimensions;
  const weighted = graph.apply("Mul", [v, graph.number(drawingsWeight)]);
  graph.give("embeddings", graph.apply("Concat", [u, weighted], { axis: 1 }), ["N", dimensions]);
  return graph;
}
