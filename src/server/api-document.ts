import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifySchema } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { z } from "zod";
import { failure } from "./schemas.ts";

/** Serves GET /openapi.json: the OpenAPI document, collected from the routes' own schemas. */
export function documentApi(app: FastifyInstance, { version, needsKey }: { version: string; needsKey: boolean }): void {
  app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Image-Text Encoder",
        version,
        description: "Images and text to vectors in one space. Failures of every route have the shape of `default`.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      ...(needsKey && { security: [{ bearer: [] }, { key: [] }] }),
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          key: { type: "apiKey", in: "header", name: "x-api-key" },
        },
      },
    },
    transform: (route) => {
      const { body, ...rest } = route.schema ?? {};
      const response = { ...(rest.response ?? {}), default: route.route.config?.protocol?.failure ?? failure };
      const media = mediaTypes(body);
      const { schema, url } = jsonSchemaTransform({ ...route, schema: { ...rest, ...(!media && { body }), response } });
      const keyless = route.route.config?.keyless && { security: [] };
      return { url, schema: { ...schema, ...(media && { body: { content: media } }), ...keyless } };
    },
  });
  app.register(async (scope) => {
    scope.get("/openapi.json", { schema: { hide: true }, config: { keyless: true } }, async () => app.swagger());
  });
}

/** Describes a body by content type, which fastify-type-provider-zod leaves out. */
function mediaTypes(body: FastifySchema["body"]): Record<string, { schema: unknown }> | undefined {
  const shape = z.object({ content: z.record(z.string(), z.object({ schema: z.instanceof(z.ZodType) })) });
  const parsed = shape.safeParse(body);
  if (!parsed.success) return undefined;
  const entries = Object.entries(parsed.data.content).map(([type, { schema }]) => {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input" });
    return [type, { schema: json }];
  });
  return Object.fromEntries(entries);
}
