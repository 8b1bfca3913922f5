import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { sendEmbeddings } from "../embeddings.ts";
import { readForms, readImageBodies } from "../image-bodies.ts";
import type { ImageSource } from "../images.ts";
import type { Form } from "../multipart.ts";
import type { RouteContext } from "../route-context.ts";
import { encodeImageBody, encodeImageFile, encodeImageForm, encodeImageQuery, encodeReply } from "../schemas.ts";

type ImageJson = z.output<typeof encodeImageBody>;
type ImageQuery = z.output<typeof encodeImageQuery>;
/** Without a content type there is no body, and no schema that it was checked by. */
type Body = ImageJson | Form | Buffer | undefined;

/** What every kind of body comes down to. */
interface ImageRequest {
  sources: ImageSource[];
  /** The field that holds a batch; none where there is one image. */
  field?: string | undefined;
  normalize: boolean;
}

/** POST /encode_image: JSON, a form with files, or an image itself. */
export function encodeImageRoute(app: FastifyInstance, { limits, readItems, encode }: RouteContext): void {
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
  const options = { schema, config: { work: true } } as const;
  app.register(async (scope) => {
    readImageBodies(scope, limits);
    readForms(scope, limits);
    scope.post<{ Body: Body; Querystring: ImageQuery }>("/encode_image", options, async (request, reply) => {
      const { sources, field, normalize } = imagesOf(request.body, request.query);
      const items = await readItems(request, sources, { noun: "image", field });
      const { embeddings } = await encode({ request, reply }, items, { normalize });
      return sendEmbeddings(reply, { embeddings, isSingle: field === undefined });
    });
  });
}

function imagesOf(body: Body, query: ImageQuery): ImageRequest {
  if (body === undefined) throw new EncoderError("INVALID_REQUEST", "The request has no body; it must hold an image.");
  if (Buffer.isBuffer(body)) return { sources: [{ bytes: body }], normalize: query.normalize !== "false" };
  return "files" in body ? imagesOfForm(body) : imagesOfJson(body);
}

function imagesOfJson({ image_url: url, image_b64: b64, images, normalize }: ImageJson): ImageRequest {
  const given = [url, b64, images].filter((source) => source != null).length;
  if (given !== 1) {
    const message = `Exactly one of image_url, image_b64 and images is expected; the request has ${given || "none"}.`;
    throw new EncoderError("INVALID_REQUEST", message);
  }
  const field = images == null ? undefined : "images";
  return { sources: (images ?? [{ url, b64 }]).map(sourceOf), field, normalize: normalize ?? true };
}

function sourceOf(
  { url, b64 }: { url?: string | null | undefined; b64?: string | null | undefined },
  index: number,
): ImageSource {
  if (url != null && b64 == null) return { url };
  if (b64 != null && url == null) return { b64 };
  const found = url == null ? "none" : "both";
  const message = `images[${index}]: Exactly one of url and b64 is expected; found ${found}.`;
  throw new EncoderError("INVALID_REQUEST", message);
}

function imagesOfForm({ files, fields }: Form): ImageRequest {
  for (const [name, value] of fields) {
    if (name !== "normalize" || !["true", "false"].includes(value)) {
      const message = "A form holds image files and, if wanted, the field normalize, true or false; nothing else.";
      throw new EncoderError("INVALID_REQUEST", message);
    }
  }
  return {
    sources: files.map((bytes) => ({ bytes })),
    field: files.length === 1 ? undefined : "files",
    normalize: fields.get("normalize") !== "false",
  };
}
