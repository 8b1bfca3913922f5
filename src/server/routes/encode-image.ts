import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { ServiceConfig } from "../../config/service.ts";
import type { ImageInput } from "../../encoder/encoder.ts";
import { atIndex, EncoderError } from "../../errors.ts";
import { decodeBase64 } from "../base64.ts";
import { bodyReader, bodyTooLarge, bytesPerTurn } from "../body.ts";
import type { ServerContext } from "../context.ts";
import { sendEncoding } from "../encode-reply.ts";
import { checkCount, checkImageBytes, imageTooLarge } from "../limits.ts";
import { type Form, parseForm } from "../multipart.ts";
import { requestLimits } from "../request-limits.ts";
import { encodeImageBody, encodeImageFile, encodeImageForm, encodeImageQuery, encodeReply } from "../schemas.ts";

type ImageJson = z.output<typeof encodeImageBody>;
/** Without a content type there is no body, and no schema that it was checked by. */
type Body = ImageJson | Form | Buffer | undefined;

/** What every kind of body comes down to. */
interface ImageRequest {
  images: ImageInput[];
  isSingle: boolean;
  normalize: boolean;
}

/** POST /encode_image: JSON, a form with files, or an image itself. */
export function encodeImageRoute(app: FastifyInstance, context: ServerContext): void {
  const { encoder, config, metrics } = context;
  const schema = {
    summary: "Vectors of images",
    tags: ["encode"],
    querystring: encodeImageQuery,
    body: {
      content: {
        "application/json": { schema: encodeImageBody },
        "multipart/form-data": { schema: encodeImageForm },
        "image/*": { schema: encodeImageFile },
      },
    },
    response: { 200: encodeReply },
  };
  app.register(async (scope) => {
    readImageBodies(scope, config);
    scope.post<{ Body: Body; Querystring: z.output<typeof encodeImageQuery> }>(
      "/encode_image",
      { schema },
      async (request, reply) => {
        const { images, isSingle, normalize } = await imagesOf(request.body, request, config);
        request.body = undefined; // base64 is a third more than the images that it became
        const limits = requestLimits(reply, config.requestTimeoutMs);
        const encoding = await encoder.encodeImages(images, { normalize, ...limits });
        metrics.items.inc({ tower: "image" }, images.length);
        return sendEncoding(reply, { encoding, dimensions: encoder.manifest.dimensions, isSingle });
      },
    );
  });
}

function readImageBodies(app: FastifyInstance, config: ServiceConfig): void {
  const readImage = bodyReader(Math.min(config.maxImageBytes, config.maxBodyBytes), imageTooLarge);
  const readForm = bodyReader(config.maxBodyBytes, bodyTooLarge);
  for (const type of [/^image\//, "application/octet-stream"]) {
    app.addContentTypeParser(type, (request: FastifyRequest, payload: Readable) => readImage(request, payload));
  }
  app.addContentTypeParser("multipart/form-data", async (request: FastifyRequest, payload: Readable): Promise<Form> => {
    const body = await readForm(request, payload);
    return parseForm(body, { contentType: request.headers["content-type"]!, maxFiles: config.maxBatchItems });
  });
}

async function imagesOf(
  body: Body,
  request: FastifyRequest<{ Querystring: z.output<typeof encodeImageQuery> }>,
  config: ServiceConfig,
): Promise<ImageRequest> {
  if (body === undefined) throw new EncoderError("INVALID_REQUEST", "The request has no body; it must hold an image.");
  if (Buffer.isBuffer(body)) {
    return { images: [checkImageBytes(body, config)], isSingle: true, normalize: request.query.normalize !== "false" };
  }
  if ("files" in body) return imagesOfForm(body, request, config);
  return imagesOfJson(body, request, config);
}

async function imagesOfJson(body: ImageJson, request: FastifyRequest, config: ServiceConfig): Promise<ImageRequest> {
  const { image_url: url, image_b64: b64, images: items } = body;
  const given = [url, b64, items].filter((source) => source != null).length;
  if (given !== 1) {
    const message = `Exactly one of image_url, image_b64 and images is expected; the request has ${given || "none"}.`;
    throw new EncoderError("INVALID_REQUEST", message);
  }
  const isSingle = items == null;
  if (!isSingle) {
    request.batchField = "images";
    checkCount(items, "image", config);
  }
  const images: ImageInput[] = [];
  let sinceTurn = 0;
  for (const [index, item] of (items ?? [{ url, b64 }]).entries()) {
    sinceTurn += item.b64?.length ?? 0;
    if (sinceTurn >= bytesPerTurn) {
      sinceTurn = 0;
      await request.server.ownTurn();
    }
    try {
      images.push(imageOf(item, config));
    } catch (error) {
      throw atIndex(error, index);
    }
  }
  return { images, isSingle, normalize: body.normalize ?? true };
}

function imageOf(
  item: { url?: string | null | undefined; b64?: string | null | undefined },
  config: ServiceConfig,
): ImageInput {
  const { url, b64 } = item;
  if (url != null && b64 == null) return { url };
  if (b64 != null && url == null) return decodeBase64(b64, { maxBytes: config.maxImageBytes });
  throw new EncoderError(
    "INVALID_REQUEST",
    `Exactly one of url and b64 is expected; found ${url == null ? "none" : "both"}.`,
  );
}

function imagesOfForm({ files, fields }: Form, request: FastifyRequest, config: ServiceConfig): ImageRequest {
  for (const [name, value] of fields) {
    if (name !== "normalize" || !["true", "false"].includes(value)) {
      const message = "A form holds image files and, if wanted, the field normalize, true or false; nothing else.";
      throw new EncoderError("INVALID_REQUEST", message);
    }
  }
  checkCount(files, "image file", config);
  const isSingle = files.length === 1;
  if (!isSingle) request.batchField = "files";
  const images = files.map((file, index) => {
    try {
      return checkImageBytes(file, config);
    } catch (error) {
      throw atIndex(error, index);
    }
  });
  return { images, isSingle, normalize: fields.get("normalize") !== "false" };
}
