import type { Value } from "../graph/graph.ts";
import { stacked, type Weight } from "../graph/weight.ts";
import type { Builder } from "./pre-norm-encoder.ts";

/** Learned vectors for words and for places. */
export interface TokenEmbedding {
  /** Names both tables, whose tensors have `.weight` behind these. */
  tables: { words: string; places: string };
  vocabulary: number;
  positions: number;
  width: number;
  /** int64 [N, T] */
  ids: Value;
}

/** Adds the vectors of words and positions. ids [N, T] -> [N, T, W] */
export function embedTokens({ graph, tensors, arithmetic }: Builder, embedding: TokenEmbedding): Value {
  const { tables, vocabulary, positions, width, ids } = embedding;
  const table = tensors.weight(`${tables.words}.weight`, [vocabulary, width]);
  const words = arithmetic.rows(graph, { name: tables.words, ids, table });
  const places = tensors.weight(`${tables.places}.weight`, [positions, width]);
  return graph.apply("Add", [words, firstRows(graph, { name: tables.places, table: places, ids })]);
}

/** Gives the names that CLIP and SigLIP have for the tables of their text towers. */
export function tablesOf(prefix: string): TokenEmbedding["tables"] {
  return { words: `${prefix}.embeddings.token_embedding`, places: `${prefix}.embeddings.position_embedding` };
}

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
