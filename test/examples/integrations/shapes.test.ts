import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, inject, it } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, "examples/integrations", path), "utf8");
const readJson = (path: string) => JSON.parse(read(path));
const texts = ["a giraffe", "ein Pinguin"];
const picture = readFileSync(join(root, "web/public/gallery/elephant-flat-625e338e.webp"), "base64");

/** Sends what a configuration leads to, to the service in place of the host that the reader puts in. */
async function post(url: string, body: unknown) {
  const reply = await fetch(url.replace("http://HOST:5555", inject("serviceUrl")), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer -" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = JSON.parse(await reply.text());
  expect(answer, url).not.toHaveProperty("error");
  return answer;
}

/** Each is a vector with the dimensions that the configurations name. */
function expectVectors(vectors: number[][], count = texts.length) {
  expect(vectors.map(({ length }) => length)).toEqual(Array(count).fill(512));
}

describe("the embedders for Meilisearch", () => {
  const { words, pictures } = readJson("meilisearch/embedders.json");

  it("send texts as the template says, and find the vectors where it says", async () => {
    const reply = await post(words.url, fill(words.request, texts));
    expectVectors(extract(words.response, reply));
    expect(words.dimensions).toBe(512);
  });

  it("send fragments of documents and of queries", async () => {
    const indexed = { image: fillIn(pictures.indexingFragments.picture.value.image, { "doc.picture": picture }) };
    const asked = { text: fillIn(pictures.searchFragments.words.value.text, { q: texts[0]! }) };
    const media = { image: fillIn(pictures.searchFragments.picture.value.image, { "media.picture": picture }) };
    const vectors = extract(
      pictures.response,
      await post(pictures.url, fill(pictures.request, [indexed, asked, media])),
    );
    expectVectors(vectors, 3);
    expect(vectors[0]).toEqual(vectors[2]);
  });
});

describe("the connector for OpenSearch", () => {
  const { actions } = readJson("opensearch/connector.json");

  it("sends a text or a picture, with null in place of the other, and gets the vector that Titan would give", async () => {
    for (const [name, value] of Object.entries({ inputText: texts[0]!, inputImage: picture })) {
      // ml-commons puts a literal null where the default of a missing parameter is null.
      const given = actions[0].request_body.replace(`\${parameters.${name}:-null}`, value);
      const { embedding } = await post(actions[0].url, given.replace(/"\$\{parameters\.\w+:-null\}"/, "null"));
      expectVectors([embedding], 1);
    }
  });

  it("is trusted by the settings beside it", () => {
    const { persistent } = readJson("opensearch/settings.json");
    const [regex] = persistent["plugins.ml_commons.trusted_connector_endpoints_regex"];
    expect(actions[0].url).toMatch(new RegExp(regex));
  });
});

describe("the collection for Typesense", () => {
  it("leads to a request with the model's name and the dimensions", async () => {
    const { fields } = readJson("typesense/collection.json");
    const { embed, num_dim: dimensions } = fields[1];
    const { model_name, url } = embed.model_config;
    const body = { input: texts, model: model_name.replace("openai/", ""), dimensions };
    const { data } = await post(`${url}/v1/embeddings`, body);
    expectVectors(data.map(({ embedding }: { embedding: number[] }) => embedding));
  });
});

describe("the collections for Weaviate", () => {
  it("name the module that they configure, with weights for each field", () => {
    for (const name of ["multi2vec-clip", "multi2vec-jinaai", "multi2vec-nvidia"]) {
      const { vectorizer, moduleConfig } = readJson(`weaviate/${name}.json`);
      expect(vectorizer).toBe(name);
      const { imageFields, textFields, weights } = moduleConfig[name];
      expect(weights.imageFields).toHaveLength(imageFields.length);
      expect(weights.textFields).toHaveLength(textFields.length);
    }
  });

  it("lead to requests of the three modules", async () => {
    const clip = await post("http://HOST:5555/vectorize", { texts, images: [picture] });
    expectVectors([...clip.textVectors, ...clip.imageVectors], 3);
    const jina = readJson("weaviate/multi2vec-jinaai.json").moduleConfig["multi2vec-jinaai"];
    const objects = [{ text: texts[0] }, { image: picture }];
    const first = await post(`${jina.baseURL}/v1/embeddings`, { model: jina.model, input: objects, normalized: true });
    const nvidia = readJson("weaviate/multi2vec-nvidia.json").moduleConfig["multi2vec-nvidia"];
    const strings = [texts[0], `data:image/png;base64,${picture}`];
    const second = await post(`${nvidia.baseURL}/v1/embeddings`, { model: nvidia.model, input: strings });
    expect(first.data).toEqual(second.data);
  });
});

describe("the endpoint for Elasticsearch", () => {
  it("leads to a request without dimensions", async () => {
    const { service, service_settings: settings } = readJson("elasticsearch/endpoint.json");
    expect(service).toBe("openai");
    const { data } = await post(settings.url, { input: texts, model: settings.model_id });
    expectVectors(data.map(({ embedding }: { embedding: number[] }) => embedding));
  });
});

describe("the function for Milvus", () => {
  it("leads to a request of Text Embeddings Inference", async () => {
    const body = { inputs: texts, truncate: true, truncation_direction: "Right" };
    expectVectors(await post("http://HOST:5555/embed", body));
  });
});

describe("the settings for Dify and Open WebUI", () => {
  it("lead to requests of OpenAI's shape", async () => {
    const [, dify] = /^endpoint_url: (\S+)/m.exec(read("dify/model.yaml"))!;
    const [, webui] = /^RAG_OPENAI_API_BASE_URL=(\S+)/m.exec(read("open-webui/open-webui.env"))!;
    for (const base of [dify, webui]) {
      const { data } = await post(`${base}/embeddings`, { input: texts, model: "default" });
      expectVectors(data.map(({ embedding }: { embedding: number[] }) => embedding));
    }
  });
});

describe("the workflow for n8n", () => {
  const { nodes, connections } = readJson("n8n/workflow.json");

  it("connects nodes that it has", () => {
    const names = nodes.map(({ name }: { name: string }) => name);
    const targets = Object.values<{ main: { node: string }[][] }>(connections).flatMap(({ main }) => main.flat());
    expect(names).toEqual(expect.arrayContaining([...Object.keys(connections), ...targets.map(({ node }) => node)]));
  });

  it("sends words with quotation marks as JSON", async () => {
    const { url, jsonBody } = nodes.find(({ name }: { name: string }) => name === "Encode").parameters;
    const [, expression] = /^=\{\{ (.*) \}\}$/.exec(jsonBody)!;
    const body = new Function("$json", `return ${expression}`)({ text: 'a "red" bicycle' });
    expectVectors([(await post(url, body)).embedding], 1);
  });
});

/** Fills a template of Meilisearch: a list of a placeholder and `{{..}}` stands for as many as there are. */
function fill(template: unknown, values: unknown[]): unknown {
  if (Array.isArray(template)) return template.at(-1) === "{{..}}" ? values : template;
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, part]) => [key, fill(part, values)]));
}

const fillIn = (template: string, values: Record<string, string>) =>
  template.replace(/\{\{([\w.]+)\}\}/, (_, name: string) => values[name]!);

/** Finds the vectors in a reply, where the template of a response has `{{embedding}}`. */
function extract(template: Record<string, unknown>, reply: Record<string, unknown>): number[][] {
  const [[key, list]] = Object.entries(template) as [[string, unknown[]]]; // Both templates here have one key.
  const [shape] = list;
  const items = reply[key] as unknown[];
  if (shape === "{{embedding}}") return items as number[][];
  const [field] = Object.keys(shape as object);
  return items.map((item) => (item as Record<string, number[]>)[field!]!);
}
