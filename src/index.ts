export {
  createEncoder,
  type EncodeOptions,
  type Encoder,
  type EncoderObserver,
  type EncoderOptions,
  type Encoding,
  type ImageInput,
  type StageTimings,
} from "./encoder/encoder.ts";
export { encodeItems, type Item } from "./encoder/items.ts";
export { compare, type Ranked, type Ranking, type RankRequest, rank } from "./encoder/rank.ts";
export { EncoderError, type ErrorCode } from "./errors.ts";
export type { Manifest } from "./model/manifest.ts";
