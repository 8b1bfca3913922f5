import type { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type {
  compareBody,
  compareReply,
  indexReply,
  info,
  pictureQuery,
  rankBody,
  rankReply,
  sampleReply,
  searchBody,
  searchReply,
} from "../server/schemas.ts";
import type { Facts } from "./facts.ts";
import type { CallOptions } from "./request.ts";

/** Describes an encoded picture. */
export type Bytes = Blob | Uint8Array;

/** A picture's bytes, which go as they are and are the fastest; or where the service gets it from. */
export type ImageInput = Bytes | { url: string } | { b64: string };

/** A body as the route's schema has it, but bytes may stand wherever it has base64, and a Float32Array for a vector. */
type Body<T> = T extends readonly (infer Item)[]
  ? readonly Body<Item>[]
  : T extends object
    ? {
        [Key in keyof T]: Key extends "b64" | "image_b64"
          ? T[Key] | Bytes
          : Key extends "embedding"
            ? T[Key] | Float32Array
            : Body<T[Key]>;
      }
    : T;

export type RankRequest = Body<z.input<typeof rankBody>>;
export type RankReply = z.output<typeof rankReply>;
export type CompareRequest = Body<z.input<typeof compareBody>>;
export type CompareReply = z.output<typeof compareReply>;
export type SearchRequest = Body<z.input<typeof searchBody>>;
export type SearchReply = z.output<typeof searchReply>;
export type SearchResult = SearchReply["results"][number];
export type SearchTerm = NonNullable<SearchRequest["query"]>[number];
export type Index = z.output<typeof indexReply>;
export type Sample = Omit<z.output<typeof sampleReply>, "pictures"> & { pictures: SampledPicture[] };
export type SampledPicture = Omit<z.output<typeof sampleReply>["pictures"][number], "embedding"> & {
  embedding: Float32Array;
};
export type Info = z.output<typeof info>;
type NumberIn<Text> = Text extends `${infer N extends number}` ? N : never;
/** In pixels. */
export type PictureWidth = NumberIn<z.output<typeof pictureQuery>["width"]>;

export interface EncodeOptions extends CallOptions {
  /** Unit length (the default), so that a dot product is a cosine; false gives the model's raw output. */
  normalize?: boolean | undefined;
}

export interface BatchOptions extends EncodeOptions {
  /** "null" gives null in place of the vectors of bad items, and `errors`; "fail" (the default) rejects at the first. */
  onError?: "fail" | "null" | undefined;
}

export interface Encoded extends Facts {
  embedding: Float32Array;
}

/** Why an item has no vector. */
export interface ItemError {
  index: number;
  code: ErrorCode;
  /** Sentence for people. */
  error: string;
}

export interface Encoding<Vector = Float32Array> extends Facts {
  /** In the order of the items. */
  embeddings: Vector[];
  /** Empty unless bad items are answered with null. */
  errors: ItemError[];
}

/** With `onError: "null"` a vector may be null. */
export interface EncodeBatch<Input> {
  (items: readonly Input[], options: BatchOptions & { onError: "null" }): Promise<Encoding<Float32Array | null>>;
  (items: readonly Input[], options?: BatchOptions): Promise<Encoding>;
}
