import type { FastifyInstance } from "fastify";
import type { Encoder } from "../../encoder/contract.ts";
import { buildId } from "../../model/build-id.ts";
import type { RequestLimits } from "../route-context.ts";
import { info } from "../schemas.ts";

export interface InfoOptions extends Pick<Encoder, "manifest" | "device"> {
  limits: RequestLimits & { maxImagePixels: number };
  imageUrls: boolean;
  version: string;
}

/** Text Embeddings Inference has these names. */
const dtypes = { fp32: "float32", fp16: "float16", int8: "int8" } as const;

/** Serves GET /info: the model, how true it is to the original, and what a request may hold. */
export function infoRoute(app: FastifyInstance, { manifest, device, limits, imageUrls, version }: InfoOptions): void {
  const { image, text } = manifest;
  const answer = {
    model: manifest.name,
    model_id: manifest.name,
    model_dtype: dtypes[text.precision],
    max_input_length: text.maxTokens,
    max_client_batch_size: limits.maxBatchItems,
    buildId: buildId(manifest),
    dimensions: manifest.dimensions,
    logit: manifest.logit,
    logitScale: manifest.logit?.scale ?? null,
    image: { precision: image.precision, fidelity: image.fidelity, size: image.size },
    device,
    text: { precision: text.precision, fidelity: text.fidelity, maxTokens: text.maxTokens },
    sources: manifest.sources, // without its files, which the schema does not have
    limits,
    imageUrls,
    versions: { service: version, node: process.versions.node, modelBuiltBy: manifest.builtBy },
  };
  const schema = { summary: "What is served, and its limits", tags: ["operations"], response: { 200: info } };
  app.get("/info", { schema }, async () => ({
    ...answer,
    features: {
      docs: app.hasRoute({ method: "GET", url: "/openapi.json" }),
      index: app.hasRoute({ method: "GET", url: "/index" }),
    },
  }));
}
