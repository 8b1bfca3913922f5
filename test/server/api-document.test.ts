import fc from "fast-check";
import fastify, { type InjectOptions } from "fastify";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { testApp } from "../support/test-app.ts";

const { app } = testApp({ maxBatchItems: 8, maxTextBytes: 64 });

interface Answer {
  content?: Record<string, { schema: Schema }>;
}

interface RequestMedia {
  schema: Schema;
  example?: object;
  examples?: Record<string, { value: object }>;
}

interface Operation {
  responses: Record<string, Answer>;
  requestBody?: { content: Record<string, RequestMedia> };
}

type Schema = Parameters<typeof z.fromJSONSchema>[0];

type Paths = Record<string, Record<string, Operation>>;
const { paths }: { paths: Paths } = (await app.inject("/openapi.json")).json();
const operations = Object.entries(paths).flatMap(([path, byMethod]) =>
  Object.entries(byMethod).map(([method, operation]) => ({ path, method, operation })),
);
const withJson = operations.flatMap(({ path, operation }) => {
  const media = operation.requestBody?.content["application/json"];
  if (!media) return [];
  const examples = Object.values(media.examples ?? {}).map(({ value }) => value);
  return [{ path, operation, schema: media.schema, examples: media.example ? [media.example] : examples }];
});

/** Tells by the document alone whether a path takes a body; Ajv, which fastify brings, validates as JSON Schema has it. */
async function allowedByDocument(path: string, body: unknown): Promise<boolean> {
  const payload = JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  return (await document.inject({ method: "POST", url: path, payload, headers })).statusCode === 200;
}
const ajv = {
  customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: false },
} as const;
const document = fastify({ ajv });
for (const { path, schema } of withJson) document.post(path, { schema: { body: schema } }, async () => "allowed");

/** What in an answer contradicts the document, if anything does. */
async function contradiction(operation: Operation, request: InjectOptions): Promise<string | undefined> {
  const { statusCode, headers, body } = await app.inject(request);
  if (statusCode >= 500) return `${statusCode}: ${body.slice(0, 200)}`;
  const declared = operation.responses[statusCode] ?? operation.responses.default;
  if (!declared) return `status ${statusCode} is not declared`;
  if (!declared.content) return body === "" ? undefined : "a body is not declared";
  const type = String(headers["content-type"]).split(";", 1)[0]!;
  const media = declared.content[type];
  if (!media) return `${statusCode}: content type ${type} is not declared`;
  if (type !== "application/json") return undefined;
  const fault = z.fromJSONSchema(media.schema).safeParse(JSON.parse(body));
  return fault.success ? undefined : `${statusCode} ${body.slice(0, 200)}: ${fault.error.message}`;
}

/** Makes one place of an example something else, or missing, or new. */
function mutated(example: object): fc.Arbitrary<unknown> {
  const replaced = (key: string) => fc.jsonValue({ maxDepth: 2 }).map((value) => ({ ...example, [key]: value }));
  const missing = (key: string) =>
    fc.constant(Object.fromEntries(Object.entries(example).filter(([it]) => it !== key)));
  const deeper = Object.entries(example).flatMap(([key, value]) =>
    Array.isArray(value) ? [fc.jsonValue().map((item) => ({ ...example, [key]: [...value, item] }))] : [],
  );
  const keys = Object.keys(example);
  return fc.oneof(...keys.map(replaced), ...keys.map(missing), ...deeper, replaced("surprise"));
}

describe("the OpenAPI document", () => {
  it("has an example for every JSON body", () => {
    expect(withJson.length).toBeGreaterThan(8);
    expect(withJson.filter(({ examples }) => examples.length === 0).map(({ path }) => path)).toEqual([]);
  });

  it.each(withJson)(
    "has examples for $path that work, and are answered as it says",
    async ({ path, operation, examples }) => {
      for (const payload of examples) {
        const request: InjectOptions = { method: "POST", url: path, payload };
        expect((await app.inject(request)).statusCode).toBe(200);
        expect(await contradiction(operation, request)).toBeUndefined();
      }
    },
  );

  it.each(withJson)("is right about $path, whatever JSON is sent there", async ({ path, operation, examples }) => {
    const bodies = fc.oneof(fc.jsonValue(), ...examples.map(mutated));
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const headers = { "content-type": "application/json" };
        const request: InjectOptions = { method: "POST", url: path, payload: JSON.stringify(body), headers };
        expect(await contradiction(operation, request)).toBeUndefined();
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it.each(withJson)("refuses nothing at $path that is answered, whatever JSON is sent there", async (route) => {
    const { path, examples } = route;
    const bodies = fc.oneof(fc.jsonValue(), ...examples.map(mutated));
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const headers = { "content-type": "application/json" };
        const reply = await app.inject({ method: "POST", url: path, payload: JSON.stringify(body), headers });
        if (reply.statusCode < 400) expect(await allowedByDocument(path, body)).toBe(true);
      }),
      { numRuns: 100, seed: 2 },
    );
    for (const example of examples) expect(await allowedByDocument(path, example)).toBe(true);
  });

  it.each([
    [{ texts: ["a", " "], on_error: "null" }, true],
    [{ texts: [" ", ""], on_error: "null", encoding: "base64" }, true],
    [{ texts: ["a", " "], on_error: "fail" }, false],
    [{ texts: ["a", " "], on_error: null }, false],
    [{ texts: ["a", " "] }, false],
    [{ texts: [], on_error: "null" }, false],
    [{ text: " ", on_error: "null" }, false],
    [{ text: "a", on_error: "null" }, false],
    [{ text: "a", on_error: "fail" }, false],
    [{ text: "a", on_error: null }, true],
    [{ text: "a", texts: null }, true],
    [{ text: "a", texts: ["b"], on_error: "null" }, false],
    [{ text: null, texts: ["b"], on_error: "null" }, true],
  ])("says of %j to /encode_text what the service says: %s", async (payload, isAnswered) => {
    const { statusCode } = await app.inject({ method: "POST", url: "/encode_text", payload });
    expect([statusCode < 400, await allowedByDocument("/encode_text", payload)]).toEqual([isAnswered, isAnswered]);
  });

  it.each([
    [{ images: [{ b64: "AQEB" }], on_error: "null" }, true],
    [{ images: [{ b64: "%" }], on_error: "null" }, true],
    [{ images: [], on_error: "null" }, false],
    [{ images: [{ b64: "AQEB", url: "data:," }], on_error: "null" }, false],
    [{ image_b64: "AQEB", on_error: "null" }, false],
    [{ image_b64: "AQEB", on_error: null, image_url: "" }, true],
    [{ image_b64: "AQEB", images: [{ b64: "AQEB" }] }, false],
  ])("says of %j to /encode_image what the service says: %s", async (payload, isAnswered) => {
    const { statusCode } = await app.inject({ method: "POST", url: "/encode_image", payload });
    expect([statusCode < 400, await allowedByDocument("/encode_image", payload)]).toEqual([isAnswered, isAnswered]);
  });

  it("offers no probabilities of a model that has no logit scale", async () => {
    const body = { query: { text: "a" }, candidates: [{ text: "b" }] };
    expect(await allowedByDocument("/rank", { ...body, probabilities: false })).toBe(true);
    expect(await allowedByDocument("/rank", { ...body, probabilities: true })).toBe(false);
  });

  it.each(operations)("is right about $method $path with a body of any type", async ({ path, method, operation }) => {
    const types = ["application/json", "text/plain", "image/png", "multipart/form-data; boundary=B", "application/xml"];
    const inputs = fc.tuple(fc.constantFrom(...types), fc.oneof(fc.string(), fc.json()));
    await fc.assert(
      fc.asyncProperty(inputs, async ([type, payload]) => {
        const body = method === "get" ? {} : { payload, headers: { "content-type": type } };
        const request = { method: method === "get" ? ("GET" as const) : ("POST" as const), url: path, ...body };
        expect(await contradiction(operation, request)).toBeUndefined();
      }),
      { numRuns: method === "get" ? 2 : 25, seed: 1 },
    );
  });

  it.each(Object.keys(paths))("declares all methods of %s", async (path) => {
    const declared = Object.keys(paths[path]!).map((method) => method.toUpperCase());
    const undeclared = (["GET", "POST", "PUT", "PATCH", "DELETE"] as const).filter((it) => !declared.includes(it));
    for (const method of undeclared) {
      const { statusCode, headers } = await app.inject({ method, url: path });
      expect([method, statusCode]).toEqual([method, 405]);
      expect(String(headers.allow).split(", ")).toEqual(expect.arrayContaining(declared));
    }
  });
});
