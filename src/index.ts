export {
  createEncoder,
  type EncodeOptions,
  type Encoder,
  type EncoderObserver,
  type EncoderOptions,
  type Encoding,
  type ImageInput,
  type StageTimings,
} from "./encoder.ts";
export { EncoderError, type ErrorCode } from "./errors.ts";
export type { Manifest } from "./models/manifest.ts";
