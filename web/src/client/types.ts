import type { Stage } from "./timing.ts";

/** Holds what GET /info tells that a client needs. */
export interface Info {
  model: string;
  dimensions: number;
  buildId: string;
  logit: { kind: "softmax" | "sigmoid"; scale: number; bias?: number } | null;
  image: { precision: string };
  text: { precision: string };
  limits: { maxImageBytes: number; maxBatchItems: number };
  versions: { service: string };
  /** Says what this service has besides encoding. */
  features: { index: boolean; docs: boolean };
}

/** Vectors of unit length, in the order of what was asked. */
export interface Vectors {
  vectors: Float32Array[];
  stages: Stage[];
  /** A text was longer than the model reads. */
  truncated: boolean;
}

export interface IndexInfo {
  model: string;
  precision: string;
  count: number;
  columns: string[];
  updated_at: string;
}

export type SearchTerm = { weight?: number } & ({ text: string } | { b64: string } | { url: string });

export interface SearchRequest {
  text?: string;
  image_b64?: string;
  query?: SearchTerm[];
  limit?: number;
  offset?: number;
}

export interface SearchResult {
  id: string;
  score: number;
  path?: string;
  url?: string;
  columns?: Record<string, unknown>;
}

/** Holds pictures spread evenly over the index, with their vectors. */
export interface IndexSample {
  /** The index holds so many pictures. */
  count: number;
  pictures: SampledPicture[];
}

export interface SampledPicture extends Omit<SearchResult, "score"> {
  vector: Float32Array;
}

export interface SearchReply {
  results: SearchResult[];
  stages: Stage[];
}
