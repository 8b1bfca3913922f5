import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { z } from "zod";
import { compilers } from "./base.ts";
import { failure } from "./schemas.ts";

interface DocumentOptions {
  version: string;
  needsKey: boolean;
}

/** Serves GET /openapi.json: the OpenAPI document, collected from the routes' own schemas when it is first asked for. */
export function documentApi(app: FastifyInstance, options: DocumentOptions): void {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => {
    if (route.method !== "HEAD") routes.push(route);
  });
  let document: Promise<object> | undefined;
  app.register(async (scope) => {
    scope.get("/openapi.json", { schema: { hide: true }, config: { keyless: true } }, () => {
      document ??= describe(routes, options).catch((error) => {
        document = undefined; // such as for want of descriptors, which may be there the next time
        throw error;
      });
      return document;
    });
  });
}

/** Describes routes by means of a service that is never asked, so that most services do not load what describes it. */
async function describe(routes: readonly RouteOptions[], { version, needsKey }: DocumentOptions): Promise<object> {
  const { default: swagger } = await import("@fastify/swagger");
  const app = Fastify({ ...compilers });
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
    const handler = async () => {};
    for (const { method, url, schema = {}, config = {} } of routes)
      scope.route({ method, url, schema, config, handler });
  });
  await app.ready();
  return app.swagger();
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
