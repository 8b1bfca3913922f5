import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { imageTooLarge } from "../encoder/base64.ts";
import { EncoderError } from "../errors.ts";
import { bodyReader, bodyTooLarge } from "./body.ts";
import { type Form, parseForm } from "./multipart.ts";
import type { RequestLimits } from "./route-context.ts";

/**
 * Reads bodies that are an image themselves, as a Buffer. Their bytes tell what they are, never their content type:
 * storage calls pictures binary/octet-stream, and curl calls what it sends a form or nothing at all.
 */
export function readImageBodies(app: FastifyInstance, { maxImageBytes, maxBodyBytes }: RequestLimits): void {
  const readImage = bodyReader(Math.min(maxImageBytes, maxBodyBytes), imageTooLarge);
  app.addHook("onRequest", async ({ headers }) => {
    if (headers["content-type"] === "") delete headers["content-type"]; // it says as little as none
  });
  app.addContentTypeParser("*", (request: FastifyRequest, payload: Readable) => readImage(request, payload));
}

/** @returns what to answer if the encoder could make nothing of a body that did not call itself an image */
export function notAnImage(thrown: unknown, { headers }: FastifyRequest): unknown {
  const type = headers["content-type"];
  if (!(thrown instanceof EncoderError) || thrown.code !== "IMAGE_UNSUPPORTED") return thrown;
  if (type !== undefined && /^(image\/|application\/octet-stream)/i.test(type)) return thrown;
  const named =
    type === undefined ? "The body has no content type" : "The body's content type is none that is read here";
  const remedy =
    "send an image as image/* or application/octet-stream, JSON as application/json, and a form as multipart/form-data";
  return new EncoderError("UNSUPPORTED_MEDIA_TYPE", `${named}, and it is not an image either; ${remedy}.`);
}

/** Reads multipart/form-data, as a Form. */
export function readForms(
  app: FastifyInstance,
  limits: Pick<RequestLimits, "maxBodyBytes" | "maxBatchItems">,
  maxFieldBytes?: number,
): void {
  const readBody = bodyReader(limits.maxBodyBytes, bodyTooLarge);
  app.addContentTypeParser("multipart/form-data", async (request: FastifyRequest, payload: Readable): Promise<Form> => {
    const body = await readBody(request, payload);
    const contentType = request.headers["content-type"]!;
    return parseForm(body, { contentType, maxFiles: limits.maxBatchItems, ...(maxFieldBytes && { maxFieldBytes }) });
  });
}
