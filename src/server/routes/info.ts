import type { FastifyInstance } from "fastify";
import type { Manifest } from "../../model/manifest.ts";
import type { ServerContext } from "../context.ts";
import { info } from "../schemas.ts";

/** GET /info: what is served, how true it is to the original, and what a request may hold. */
export function infoRoute(app: FastifyInstance, { encoder, config, version }: ServerContext): void {
  const { manifest } = encoder;
  const { image, text } = manifest;
  const answer = {
    model: manifest.name,
    dimensions: manifest.dimensions,
    logitScale: manifest.logit?.scale ?? null,
    image: { precision: image.precision, fidelity: image.fidelity, size: image.size },
    text: { precision: text.precision, fidelity: text.fidelity, maxTokens: text.maxTokens },
    sources: { image: origin(manifest, "image"), text: origin(manifest, "text") },
    limits: {
      maxBodyBytes: config.maxBodyBytes,
      maxBatchItems: config.maxBatchItems,
      maxTextBytes: config.maxTextBytes,
      maxImageBytes: config.maxImageBytes,
      maxImagePixels: config.maxImagePixels,
      requestTimeoutMs: config.requestTimeoutMs,
    },
    imageUrls: config.imageUrls,
    versions: { service: version, node: process.versions.node, modelBuiltBy: manifest.builtBy },
  };
  const schema = { summary: "What is served, and its limits", tags: ["operations"], response: { 200: info } };
  app.get("/info", { schema }, async () => answer);
}

function origin({ sources }: Manifest, tower: "image" | "text") {
  const { repository, revision } = sources[tower];
  return { repository, revision };
}
