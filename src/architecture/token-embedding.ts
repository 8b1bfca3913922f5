import type { Value } from "../graph/graph.ts";
import { stacked, type Weight } from "../graph/weight.ts";
import type { Builder } from "./pre-norm-encoder.ts";

/** Learned vectors for words and for places, as CLIP and SigLIP have them. */
export interface TokenEmbedding {
  /** What the names of its tensors begin with, such as `text_model`. */
  prefix: string;
  vocabulary: number;
  positions: number;
  width: number;
  /** int64 [N, T] */
  ids: Value;
}

/** Adds the vectors of words and positions. ids [N, T] -> [N, T, W] */
export function embedTokens({ graph, tensors, arithmetic }: Builder, embedding: TokenEmbedding): Value {
  const { prefix, vocabulary, positions, width, ids } = embedding;
  const words = arithmetic.rows(graph, {
    name: "token_embedding",
    ids,
    table: tensors.weight(`${prefix}.embeddings.token_embedding.weight`, [vocabulary, width]),
  });
  const table = tensors.weight(`${prefix}.embeddings.position_embedding.weight`, [positions, width]);
  return graph.apply("Add", [words, firstRows(graph, { name: "position_embedding", table, ids })]);
}

/**
 * As many rows of a table of positions as there are tokens. Batches are padded to an even length: where the positions are odd
 * in number, the last padding takes a row of zeros. [P, W] and ids [N, T] -> [T, W]
 */
export function firstRows(
  graph: Builder["graph"],
  { name, table, ids }: { name: string; table: Weight; ids: Value },
): Value {
  const padding: Weight = { shape: [1, table.shape[1]!], read: async () => new Float32Array(table.shape[1]!) };
  const rows = graph.weight(name, stacked([table, padding]));
  const length = graph.apply("Shape", [ids], { start: 1, end: 2 }); // [T]
  return graph.apply("Slice", [rows, graph.integers(0), length, graph.integers(0)]);
}
