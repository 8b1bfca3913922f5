import type { Value } from "../graph/graph.ts";
import { stacked, type Weight } from "../graph/weight.ts";
import type { Builder } from "./layers.ts";

/** Learned vectors for words and for places. */
export interface TokenEmbedding {
  /** What the names of both tables' tensors begin with, such as `text_model.embeddings.` */
  folder: string;
  /** What the names of both tables' constants begin with, where a graph has several towers. */
  prefix?: string;
  words: string;
  places: string;
  vocabulary: number;
  positions: number;
  width: number;
  /** int64 [N, T] */
  ids: Value;
}

/** Adds the vectors of words and positions. ids [N, T] -> [N, T, W] */
export function embedTokens({ graph, tensors, arithmetic }: Builder, embedding: TokenEmbedding): Value {
  const { folder, prefix = "", words, places, vocabulary, positions, width, ids } = embedding;
  const ofWords = tensors.weight(`${folder}${words}.weight`, [vocabulary, width]);
  const ofPlaces = tensors.weight(`${folder}${places}.weight`, [positions, width]);
  const x = arithmetic.rows(graph, { name: prefix + words, ids, table: ofWords });
  return graph.apply("Add", [x, firstRows(graph, { name: prefix + places, table: ofPlaces, ids })]);
}

/** Names the tables that CLIP and SigLIP have in their text towers. */
export const textTables = {
  folder: "text_model.embeddings.",
  words: "token_embedding",
  places: "position_embedding",
} as const;

/**
 * As many rows of a table of positions as there are tokens. Batches are padded to an even length: where the positions are odd
 * in number, the last padding takes a row of zeros. [P, W] and ids [N, T] -> [T, W]
 */
function firstRows(graph: Builder["graph"], { name, table, ids }: { name: string; table: Weight; ids: Value }): Value {
  const padding: Weight = { shape: [1, table.shape[1]!], read: async () => new Float32Array(table.shape[1]!) };
  const rows = graph.weight(name, stacked([table, padding]));
  const length = graph.apply("Shape", [ids], { start: 1, end: 2 }); // [T]
  return graph.apply("Slice", [rows, graph.integers(0), length, graph.integers(0)]);
}
