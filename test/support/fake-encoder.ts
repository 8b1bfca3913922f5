import { once } from "node:events";
import type { EncodeOptions, Encoder, Encoding, ImageInput } from "../../src/encoder/encoder.ts";
import { EncoderError, type ErrorCode } from "../../src/errors.ts";
import type { Manifest } from "../../src/model/manifest.ts";

const dimensions = 512;

export interface FakeEncoder extends Encoder {
  readonly images: (readonly ImageInput[])[];
  readonly options: EncodeOptions[];
  healthy: boolean;
  probes: number;
  /** While set, no call is answered before it resolves, or its signal aborts. */
  hold: Promise<void> | undefined;
  failure: EncoderError | undefined;
  /** Signals that aborted while the call was held. */
  aborted: unknown[];
}

/** Makes an encoder without a model: the vector of an input starts with its length, followed by 0.1. */
export function fakeEncoder({ maxImageBytes = Number.POSITIVE_INFINITY } = {}): FakeEncoder {
  async function encode<Input>(
    inputs: readonly Input[],
    { faultOf, lengthOf }: { faultOf(input: Input): ErrorCode | undefined; lengthOf(input: Input): number },
    options: EncodeOptions,
  ): Promise<Encoding> {
    const errors = inputs.flatMap((input, index) => {
      const code = faultOf(input);
      return code === undefined ? [] : [new EncoderError(code, `${code} of the fake encoder.`, { index })];
    });
    if (errors[0] && options.onError !== "return") throw errors[0];
    fake.options.push(options);
    await held(options.signal);
    if (fake.failure) throw fake.failure;
    const vectorOf = (length: number) => new Float32Array(dimensions).fill(0.1).fill(length, 0, 1);
    const embeddings = inputs.map((input) => (faultOf(input) ? null : vectorOf(lengthOf(input))));
    return {
      embeddings: embeddings as Float32Array[], // null with onError "return" alone, which its own type says
      errors,
      incomplete: 0,
      unknownTokens: 0,
      truncated: inputs.filter((input) => lengthOf(input) > 100).length,
      tokens: 0,
      timings: { queueMs: 1, inferenceMs: 2.5 },
    };
  }
  const imageFault = (image: ImageInput): ErrorCode | undefined => {
    if (!(image instanceof Uint8Array)) return undefined;
    if (image.length === 0) return "IMAGE_UNREADABLE";
    if (/^(hello|a=b|\{)/.test(image.toString())) return "IMAGE_UNSUPPORTED";
    return image.length > maxImageBytes ? "IMAGE_TOO_LARGE" : undefined;
  };
  const held = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      if (!fake.hold) return resolve();
      fake.hold.then(resolve);
      signal?.addEventListener("abort", () => {
        fake.aborted.push(signal.reason);
        reject(signal.reason);
      });
    });
  const fake: FakeEncoder = {
    manifest,
    device: { wanted: "cpu", used: "cpu" },
    images: [],
    options: [],
    healthy: true,
    probes: 0,
    hold: undefined,
    failure: undefined,
    aborted: [],
    encodeTexts: (texts: readonly string[], options: EncodeOptions = {}) => {
      const faultOf = (text: string) => (text.trim() === "" ? "EMPTY_TEXT" : undefined);
      return encode(texts, { faultOf, lengthOf: (text) => text.length }, options);
    },
    encodeImages: (images: readonly ImageInput[], options: EncodeOptions = {}) => {
      fake.images.push(images);
      const lengthOf = (image: ImageInput) => (image instanceof Uint8Array ? image.length : 0);
      return encode(images, { faultOf: imageFault, lengthOf }, options);
    },
    async isHealthy({ signal }) {
      fake.probes++;
      const held = Promise.resolve(fake.hold).then(() => fake.healthy);
      return signal ? Promise.race([held, once(signal, "abort").then(() => false)]) : held;
    },
    close: async () => {},
  };
  return fake;
}

const source = { repository: "example/model", revision: "abc", files: {} };

const manifest: Manifest = {
  formatVersion: 2,
  name: "fake-model",
  dimensions,
  logit: null,
  image: {
    architecture: "clip-vision",
    graph: "image.onnx",
    precision: "fp32",
    size: 224,
    resize: 224,
    fit: "cover",
    resample: "bicubic",
    mean: [0, 0, 0],
    std: [1, 1, 1],
    background: null,
  },
  text: {
    architecture: "distilbert",
    graph: "text.onnx",
    tokenizer: "tokenizer.json",
    precision: "int8",
    maxTokens: 128,
    padId: 0,
    padding: "batch",
    paddingSide: "right",
  },
  sources: { image: source, text: source },
  files: {},
  builtBy: "0.0.0",
};
