import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Manifest } from "../../model/manifest.ts";

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }
  pre { overflow-x: auto; padding: .8rem 1rem; border-radius: .5rem; background: #8881 }
`;

/** GET / for people who open the address in a browser. */
export function homeRoute(app: FastifyInstance, { manifest, version }: { manifest: Manifest; version: string }): void {
  const { name, dimensions, image, text } = manifest;
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Image-Text Encoder</title>
<style>${style}</style>
<h1>Image-Text Encoder</h1>
<p>Version ${escapeHtml(version)} serves the model <strong>${escapeHtml(name)}</strong>: images (${image.precision}) and text
(${text.precision}) as vectors of ${dimensions} numbers in one space.</p>
<pre>curl HOST/encode_text -H 'content-type: application/json' -d '{"text": "a red bicycle"}'
curl HOST/encode_image -H 'content-type: image/jpeg' --data-binary @photo.jpg
curl HOST/encode_image -H 'content-type: application/json' -d '{"image_url": "https://example.com/x.jpg"}'</pre>
<p>The dot product of two vectors tells how well they fit. See <a href="openapi.json">openapi.json</a>,
<a href="info">info</a>, <a href="health">health</a>, <a href="metrics">metrics</a>.</p>
</html>
`;
  const styleHash = createHash("sha256").update(style).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  app.get("/", { schema: { hide: true } }, async (_request, reply) => {
    reply.header("content-type", "text/html; charset=utf-8").header("content-security-policy", policy);
    return reply.header("referrer-policy", "no-referrer").send(page);
  });
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
