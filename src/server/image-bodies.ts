import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { imageTooLarge } from "./base64.ts";
import { bodyReader, bodyTooLarge } from "./body.ts";
import { type Form, parseForm } from "./multipart.ts";
import type { RequestLimits } from "./route-context.ts";

/** Reads bodies that are an image themselves, as a Buffer. */
export function readImageBodies(app: FastifyInstance, { maxImageBytes, maxBodyBytes }: RequestLimits): void {
  const readImage = bodyReader(Math.min(maxImageBytes, maxBodyBytes), imageTooLarge);
  for (const type of [/^image\//, "application/octet-stream"]) {
    app.addContentTypeParser(type, (request: FastifyRequest, payload: Readable) => readImage(request, payload));
  }
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
