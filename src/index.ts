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
export { EncoderError, type ErrorCode } from "./errors.ts";
export type { Manifest } from "./model/manifest.ts";
