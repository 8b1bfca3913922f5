import { z } from "zod";
import { fidelity } from "../model/manifest.ts";
import { exactlyOne, some, someText } from "./documented.ts";

/** The routes read and answer what stands here. Validation, types and the API document all come from it. */

/** The document's examples have this PNG of one pixel. */
export const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Clients that serialise absent fields as null mean that they are absent. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish();

const normalize = optional(z.boolean()).describe(
  "Unit length (true, the default), or the tower's raw output, as sentence-transformers' encode() gives it",
);

const encoding = optional(z.enum(["float", "base64"])).describe(
  "How vectors are written: as numbers (the default), or as base64 of their little-endian float32s",
);

const on_error = optional(z.enum(["fail", "null"])).describe(
  'Of a batch: "null" gives null in place of the vectors of bad items, and `errors`, in place of failing',
);

const notBlank = { items: { pattern: "\\S" } };

export const encodeTextBody = z
  .strictObject({
    text: optional(someText).describe("One text"),
    texts: optional(some(z.string())).describe("Several texts, answered in this order"),
    normalize,
    encoding,
    on_error,
  })
  .describe("Exactly one of text and texts")
  .meta({
    ...exactlyOne(["text", "texts"]),
    anyOf: [
      { title: "texts that say something", properties: { texts: notBlank, on_error: { const: null } } },
      {
        title: "a batch of such texts, which fails whole",
        properties: { texts: { type: "array", ...notBlank }, on_error: { const: "fail" } },
        required: ["texts"],
      },
      {
        title: "a batch with null for a blank text",
        properties: { texts: { type: "array" }, on_error: { const: "null" } },
        required: ["texts", "on_error"],
      },
    ],
    examples: [{ text: "a red bicycle" }, { texts: ["a dog", "un chien"], normalize: false, encoding: "base64" }],
  });

const imageItem = z
  .strictObject({
    url: optional(z.string()).describe("An http or https URL, or a data: URI"),
    b64: optional(z.string()).describe("Base64 or a data: URI"),
  })
  .describe("Exactly one of url and b64")
  .meta(exactlyOne(["url", "b64"], [null, ""]));

export const encodeImageBody = z
  .strictObject({
    image_url: optional(z.string()).describe("One image by its http or https URL, or as a data: URI"),
    image_b64: optional(z.string()).describe("One image as base64, with or without line breaks, or as a data: URI"),
    images: optional(some(imageItem)).describe("Several images, answered in this order"),
    normalize,
    encoding,
    on_error,
  })
  .describe("Exactly one of image_url, image_b64 and images")
  .meta({
    ...exactlyOne(["image_url", "image_b64", "images"], [null, ""]),
    anyOf: [
      { title: "one image, or a batch that fails whole", properties: { on_error: { const: null } } },
      { title: "a batch", properties: { images: { type: "array" } }, required: ["images"] },
    ],
    examples: [{ image_b64: pixel }, { images: [{ b64: pixel }, { url: `data:image/png;base64,${pixel}` }] }],
  });

/** Only describes: a body that is not JSON is checked where it is parsed. */
const image = { type: "string", contentMediaType: "image/*" } as const;
export const encodeImageFile = z.any().meta(image);
export const encodeImageForm = z.any().meta({
  type: "object",
  description: "One file gives `embedding`, several give `embeddings`; their names do not matter",
  properties: {
    file: image,
    normalize: { enum: ["true", "false"] },
    encoding: { enum: ["float", "base64"] },
    on_error: { enum: ["fail", "null"] },
  },
});

/** Bodies that are an image themselves have their fields in the query. */
export const encodeImageQuery = z.strictObject({
  normalize: z.enum(["true", "false"]).optional().describe("For bodies that are the image itself"),
  encoding: z.enum(["float", "base64"]).optional().describe("For bodies that are the image itself"),
});

/** Forms have these fields. */
export const encodeImageFields = encodeImageQuery.extend({ on_error: z.enum(["fail", "null"]).optional() });

/** A misspelt parameter must not pass for a default. */
export const noQuery = z.strictObject({});

const embedding = z
  .union([z.array(z.number()), z.string()])
  .describe("Each number is the shortest decimal that reads back to its float32; base64 where `encoding` asks for it");

export const oneEmbedding = z.strictObject({ success: z.literal(true), dimensions: z.int(), embedding });
export const manyEmbeddings = z.strictObject({
  success: z.literal(true),
  dimensions: z.int(),
  embeddings: z.array(embedding.nullable()),
  errors: z
    .array(z.strictObject({ index: z.int(), code: z.string(), error: z.string() }))
    .optional()
    .describe('With "on_error": "null": why the vectors are null that are'),
});
/** The answer is the vector itself where the request accepts that and no JSON. */
const octets = z.any().meta({ type: "string", contentMediaType: "application/octet-stream" });

export const encodeReply = {
  description: "One vector, or those of a batch",
  content: {
    "application/json": { schema: z.union([oneEmbedding, manyEmbeddings]) },
    "application/octet-stream": { schema: octets },
  },
};

export const failure = z.strictObject({
  success: z.literal(false),
  error: z.string().describe("A sentence for people"),
  code: z.string().describe("A code for programs; docs/errors.md lists all"),
});

const item = z
  .strictObject({
    text: optional(someText),
    url: optional(z.string()).describe("An image's http or https URL, or a data: URI"),
    b64: optional(z.string()).describe("An image as base64"),
  })
  .describe("Exactly one of text, url and b64")
  .meta(exactlyOne(["text", "url", "b64"]));

export const rankBody = z
  .strictObject({
    query: item,
    candidates: some(item),
    probabilities: optional(z.boolean()).describe("Whether each candidate gets the model's own probability"),
    top: optional(z.int().min(1)).describe("How many of the best are returned; all by default"),
  })
  .meta({ examples: [{ query: { b64: pixel }, candidates: [{ text: "a dog" }, { text: "a blue dot" }], top: 1 }] });

export const rankReply = z.strictObject({
  success: z.literal(true),
  probability_kind: z.enum(["softmax", "sigmoid"]).optional(),
  results: z
    .array(z.strictObject({ index: z.int(), cosine: z.number(), probability: z.number().optional() }))
    .describe("Best first; `index` is the candidate's place in the request"),
});

const weighted = z
  .strictObject({
    text: optional(z.string()),
    url: optional(z.string()).describe("An http or https URL"),
    b64: optional(z.string()).describe("Base64 or a data: URI"),
    weight: optional(z.number().min(-1000).max(1000)).describe("1 by default; a negative one asks for less of it"),
  })
  .describe("Exactly one of text, url and b64");

/** No model of the catalog has vectors of more than 1,024 numbers. */
const maxDimensions = 4096;

/** Takes any names, also `__proto__`, which zod would leave out: a condition that is forgotten finds everything. */
const conditions = z
  .any()
  .refine((value) => typeof value === "object" && value !== null && !Array.isArray(value), "expected an object")
  .meta({ type: "object", additionalProperties: true });

export const searchBody = z
  .strictObject({
    text: optional(z.string()).describe("Words, taken as they are"),
    image_url: optional(z.string()),
    image_b64: optional(z.string()),
    embedding: optional(z.array(z.number()).max(maxDimensions)).describe("A vector of this model"),
    query: optional(z.array(weighted).min(1)).describe("A weighted sum of words and pictures"),
    limit: optional(z.int().min(1).max(200)).describe("10 by default"),
    offset: optional(z.int().min(0).max(10_000)),
    filter: optional(conditions).describe(
      'Conditions on columns, all of which must hold: a value, a list of values, or {"gt"|"gte"|"lt"|"lte": value}',
    ),
  })
  .describe("Exactly one of text, image_url, image_b64, embedding and query");

const columnValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const pictureId = z.string().describe("For GET /pictures/:id");
const indexedAs = {
  path: z.string().optional().describe("Relative to what was indexed"),
  url: z.string().optional(),
  columns: z.record(z.string(), columnValue),
};

export const searchReply = z.strictObject({
  success: z.literal(true),
  results: z
    .array(z.strictObject({ id: pictureId, score: z.number().describe("Cosine with the question"), ...indexedAs }))
    .describe("Best first"),
});

export const indexReply = z.strictObject({
  success: z.literal(true),
  model: z.string(),
  precision: z.string(),
  dimensions: z.int(),
  count: z.int(),
  columns: z.array(z.string()).describe("What can be filtered by"),
  updated_at: z.string(),
});

export const sampleQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(5000).default(1000).describe("How many pictures at most"),
  encoding: z.enum(["float", "base64"]).default("float").describe("How vectors are written, as of POST /encode_text"),
});

export const sampleReply = z.strictObject({
  success: z.literal(true),
  count: z.int().describe("How many pictures the index holds"),
  pictures: z.array(z.strictObject({ id: pictureId, ...indexedAs, embedding })).describe("In no particular order"),
});

export const pictureParams = z.object({ id: z.string() });
export const pictureQuery = z.strictObject({ width: z.enum(["256", "512", "1600"]).default("256") });
export const pictureReply = z.any().meta({ type: "string", contentMediaType: "image/webp" });

export const compareBody = z
  .strictObject({ a: some(item), b: some(item) })
  .meta({ examples: [{ a: [{ b64: pixel }], b: [{ text: "a dog" }, { text: "a blue dot" }] }] });

export const compareReply = z.strictObject({
  success: z.literal(true),
  similarities: z.array(z.array(z.number())).describe("For each of `a`, its cosine with each of `b`"),
});

export const health = z.strictObject({ status: z.enum(["healthy", "unhealthy"]) });

const towerInfo = z.object({
  precision: z.string(),
  fidelity: fidelity.optional().describe("Cosine of this precision against fp32 on held-out inputs"),
});

const source = z.object({ repository: z.string().optional(), revision: z.string().optional() });

export const info = z.object({
  model: z.string(),
  model_id: z.string().describe("The same, by the name that Text Embeddings Inference gives it; so are the next three"),
  model_dtype: z.string(),
  max_input_length: z.number(),
  max_client_batch_size: z.number(),
  dimensions: z.number(),
  buildId: z.string().describe("What decides the vectors, precision aside: other models have other ids"),
  logit: z
    .object({ kind: z.enum(["softmax", "sigmoid"]), scale: z.number(), bias: z.number().optional() })
    .nullable()
    .describe("How the model makes probabilities of cosines"),
  logitScale: z
    .number()
    .nullable()
    .describe("exp(logitScale) * cosine is what the model takes probabilities of, as `logit` says"),
  image: towerInfo.extend({ size: z.number() }),
  text: towerInfo.extend({ maxTokens: z.number() }),
  device: z
    .object({ wanted: z.enum(["cpu", "cuda", "auto"]), used: z.enum(["cpu", "cuda"]) })
    .describe("What runs the graphs; auto takes the processor where no GPU can be used"),
  sources: z.object({ image: source, text: source }).describe("Where the checkpoints came from"),
  limits: z.object({
    maxBodyBytes: z.number(),
    maxBatchItems: z.number(),
    maxTextBytes: z.number(),
    maxImageBytes: z.number(),
    maxImagePixels: z.number(),
    requestTimeoutMs: z.number(),
  }),
  imageUrls: z.boolean(),
  features: z
    .object({ docs: z.boolean(), index: z.boolean() })
    .describe("What this port has besides encoding: /openapi.json, and /search of an index"),
  versions: z.object({ service: z.string(), node: z.string(), modelBuiltBy: z.string() }),
});
