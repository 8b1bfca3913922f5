export type {
  Encode,
  EncodeOptions,
  Encoder,
  EncoderObserver,
  Encoding,
  ImageInput,
  StageTimings,
  TowerName,
} from "./encoder/contract.ts";
export { createEncoder, type EncoderOptions, type StartOptions } from "./encoder/encoder.ts";
export { encodeItems, type Item } from "./encoder/items.ts";
export { type EncodedOne, type EncodeManyOptions, encodeMany } from "./encoder/many.ts";
export { compare, type Ranked, type Ranking, type RankRequest, rank } from "./encoder/rank.ts";
export { EncoderError, type ErrorCode } from "./errors.ts";
export type { Manifest } from "./model/manifest.ts";
