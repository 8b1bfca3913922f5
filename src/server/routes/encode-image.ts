import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { answerEmbeddings, type Batch } from "../embeddings.ts";
import { notAnImage, readForms, readImageBodies } from "../image-bodies.ts";
import type { ImageSource } from "../images.ts";
import type { Form } from "../multipart.ts";
import type { RouteContext } from "../route-context.ts";
import {
  encodeImageBody,
  encodeImageFields,
  encodeImageFile,
  encodeImageForm,
  encodeImageQuery,
  encodeReply,
} from "../schemas.ts";

type ImageJson = z.output<typeof encodeImageBody>;
type ImageQuery = z.output<typeof encodeImageQuery>;
/** Without a content type there is no body, and no schema that it was checked by. */
type Body = ImageJson | Form | Buffer | undefined;

/** Every kind of body comes down to this. */
type ImageRequest = Omit<Batch, "request" | "reply" | "noun">;

/** Serves POST /encode_image: JSON, a form with files, or an image itself. */
export function encodeImageRoute(app: FastifyInstance, context: RouteContext): void {
  const schema = {
    summary: "Vectors of images",
    tags: ["encode"],
    querystring: encodeImageQuery,
    body: {
      content: {
        "application/json": { schema: encodeImageBody },
        "multipart/form-data": { schema: encodeImageForm },
        "*/*": { schema: encodeImageFile },
      },
    },
    response: { 200: encodeReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.register(async (scope) => {
    readImageBodies(scope, context.limits);
    readForms(scope, context.limits);
    scope.post<{ Body: Body; Querystring: ImageQuery }>("/encode_image", options, async (request, reply) => {
      const images = imagesOf(request.body, request.query);
      const isRaw = Buffer.isBuffer(request.body);
      return answerEmbeddings(context, { request, reply, noun: "image", ...images }).catch((error) => {
        throw isRaw ? notAnImage(error, request) : error;
      });
    });
  });
}

function imagesOf(body: Body, query: ImageQuery): ImageRequest {
  if (body === undefined) throw new EncoderError("INVALID_REQUEST", "The request has no body; it must hold an image.");
  if (Buffer.isBuffer(body)) return { sources: [{ bytes: body }], field: undefined, ...choicesOf(query) };
  const [parameter] = Object.keys(query);
  if (parameter !== undefined) {
    const message = `The query parameter ${parameter} is for bodies that are an image; here it is a field of the body.`;
    throw new EncoderError("INVALID_REQUEST", message);
  }
  return "files" in body ? imagesOfForm(body) : imagesOfJson(body);
}

function choicesOf({ normalize, encoding, on_error: onError }: ImageQuery & z.output<typeof encodeImageFields>) {
  return { normalize: normalize !== "false", encoding: encoding ?? "float", onError };
}

/** An empty string counts as absent: clients send it in place of null. */
function imagesOfJson(body: ImageJson): ImageRequest {
  const { images, normalize, encoding } = body;
  const [url, b64] = [body.image_url || null, body.image_b64 || null];
  const given = [url, b64, images].filter((source) => source != null).length;
  if (given !== 1) {
    const message = `Exactly one of image_url, image_b64 and images is expected; the request has ${given || "none"}.`;
    throw new EncoderError("INVALID_REQUEST", message);
  }
  return {
    sources: (images ?? [{ url, b64 }]).map(sourceOf),
    field: images == null ? undefined : "images",
    normalize: normalize ?? true,
    encoding: encoding ?? "float",
    onError: body.on_error ?? undefined,
  };
}

function sourceOf({ url, b64 }: NonNullable<ImageJson["images"]>[number], index: number): ImageSource {
  if (url && !b64) return { url };
  if (b64 && !url) return { b64 };
  const found = url ? "both" : "none";
  const message = `images[${index}]: Exactly one of url and b64 is expected; found ${found}.`;
  throw new EncoderError("INVALID_REQUEST", message);
}

function imagesOfForm({ files, fields }: Form): ImageRequest {
  const choices = encodeImageFields.safeParse(Object.fromEntries(fields));
  if (!choices.success) {
    const message =
      "A form holds image files and, if wanted, the fields normalize (true or false), encoding (float or base64) and " +
      "on_error (fail or null).";
    throw new EncoderError("INVALID_REQUEST", message);
  }
  const sources = files.map((bytes) => ({ bytes }));
  return { sources, field: files.length === 1 ? undefined : "files", ...choicesOf(choices.data) };
}
