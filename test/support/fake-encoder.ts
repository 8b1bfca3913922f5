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

/** An encoder without a model: the vector of an input starts with its length, followed by 0.1. */
export function fakeEncoder({ maxImageBytes = Number.POSITIVE_INFINITY } = {}): FakeEncoder {
  const encode = async (lengths: number[], options: EncodeOptions): Promise<Encoding> => {
    fake.options.push(options);
    await held(options.signal);
    if (fake.failure) throw fake.failure;
    return {
      embeddings: lengths.map((length) => new Float32Array(dimensions).fill(0.1).fill(length, 0, 1)),
      errors: [],
      incomplete: 0,
      truncated: lengths.filter((length) => length > 100).length,
      tokens: 0,
      timings: { queueMs: 1, inferenceMs: 2.5 },
    };
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
    images: [],
    options: [],
    healthy: true,
    probes: 0,
    hold: undefined,
    failure: undefined,
    aborted: [],
    async encodeTexts(texts: readonly string[], options: EncodeOptions = {}) {
      refuseFirst(texts, (text) => text.trim() === "", "EMPTY_TEXT");
      const lengths = texts.map((text) => text.length);
      return encode(lengths, options);
    },
    async encodeImages(images: readonly ImageInput[], options: EncodeOptions = {}) {
      refuseFirst(images, (image) => image instanceof Uint8Array && image.length === 0, "IMAGE_UNREADABLE");
      refuseFirst(images, (image) => /^(hello|a=b|\{)/.test(image.toString()), "IMAGE_UNSUPPORTED");
      refuseFirst(images, (image) => image instanceof Uint8Array && image.length > maxImageBytes, "IMAGE_TOO_LARGE");
      fake.images.push(images);
      return encode(
        images.map((image) => (image instanceof Uint8Array ? image.length : 0)),
        options,
      );
    },
    async isHealthy() {
      fake.probes++;
      await fake.hold;
      return fake.healthy;
    },
    queueDepth: () => ({ image: 0, text: 0 }),
    close: async () => {},
  };
  return fake;
}

/** Refuses what every encoder refuses, with its code and the item's index. */
function refuseFirst<T>(inputs: readonly T[], isBad: (input: T) => boolean, code: ErrorCode): void {
  const index = inputs.findIndex(isBad);
  if (index >= 0) throw new EncoderError(code, `${code} of the fake encoder.`, { index });
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
