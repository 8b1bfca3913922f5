import type { FastifyInstance } from "fastify";
import type { PageFiles } from "../page-files.ts";
import { sendFile } from "./page.ts";

/** The page may load from its own origin alone; its library has icons that are data: URIs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** GET /docs shows the OpenAPI document to people. It holds nothing of the user, so it needs no key. */
export function docsRoute(app: FastifyInstance, files: PageFiles): void {
  const schema = { hide: true };
  app.get("/docs", { schema, config: { keyless: true } }, async (request, reply) => {
    reply.header("content-security-policy", policy).header("referrer-policy", "no-referrer");
    return sendFile(request, reply, files.get("docs.html"));
  });
  const config = { keyless: true, quiet: true } as const;
  app.get<{ Params: { "*": string } }>("/docs/*", { schema, config }, async (request, reply) =>
    sendFile(request, reply, files.get(`docs/${request.params["*"]}`)),
  );
}
