import { describe, expect, it } from "vitest";
import { testApp } from "../../support/test-app.ts";

const { app, encoder } = testApp({ modelAliases: ["ViT-B-32__openai"] });

/** Sends a form as Immich's server builds it. */
async function predict(fields: Record<string, string | Uint8Array>) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.append(name, typeof value === "string" ? value : new Blob([value as Uint8Array<ArrayBuffer>]));
  }
  const request = new Response(form);
  const headers = { "content-type": request.headers.get("content-type")! };
  return app.inject({ method: "POST", url: "/predict", headers, payload: Buffer.from(await request.arrayBuffer()) });
}

const png = Buffer.from("89504e470d0a1a0a0000000d4948445200000003000000050806000000ffffffff", "hex");
const entries = (type: "visual" | "textual", modelName = "fake-model", more = {}) =>
  JSON.stringify({ clip: { [type]: { modelName, ...more } } });

describe("POST /predict", () => {
  it("answers the vector of an image as a string, with the image's size", async () => {
    const { clip, ...size } = (await predict({ entries: entries("visual"), image: png })).json();
    expect(JSON.parse(clip)).toHaveLength(512);
    expect(JSON.parse(clip).slice(0, 2)).toEqual([png.length, 0.1]);
    expect(size).toEqual({ imageHeight: 5, imageWidth: 3 });
    expect(encoder.options.at(-1)!.normalize).toBe(true);
  });

  it("answers the vector of a text, however long, in any language", async () => {
    const text = "Fahrräder ".repeat(500);
    const reply = await predict({
      entries: entries("textual", "ViT-B-32__openai", { options: { language: "de" } }),
      text,
    });
    expect(Object.keys(reply.json())).toEqual(["clip"]);
    expect(JSON.parse(reply.json().clip)[0]).toBe(text.length);
  });

  it.each([
    ["another model", { entries: entries("textual", "XLM-Roberta-Large-Vit-B-32"), text: "a" }, 404, "not served here"],
    ["another task", { entries: '{"facial-recognition":{}}', image: png }, 400, "entries"],
    [
      "both towers",
      { entries: '{"clip":{"visual":{"modelName":""},"textual":{"modelName":""}}}', text: "a" },
      400,
      "entries",
    ],
    ["entries that are not JSON", { entries: "{", text: "a" }, 400, "entries"],
    ["no entries", { text: "a" }, 400, "entries"],
    ["an image that is missing", { entries: entries("visual"), text: "a" }, 400, "image"],
    ["an empty text", { entries: entries("textual"), text: " " }, 400, "EMPTY_TEXT"],
  ])("refuses %s", async (_what, fields, status, sentence) => {
    const reply = await predict(fields);
    expect([reply.statusCode, reply.json()]).toEqual([status, { detail: expect.stringContaining(sentence) }]);
  });

  it.each(['{"entries":{}}', '{"files":[],"fields":{}}', '"files"', "1", "null"])(
    "refuses %s, which is not a form",
    async (payload) => {
      const headers = { "content-type": "application/json" };
      const reply = await app.inject({ method: "POST", url: "/predict", headers, payload });
      expect([reply.statusCode, reply.json()]).toEqual([400, { detail: expect.stringContaining("must be a form") }]);
    },
  );
});

describe("GET /ping", () => {
  it("answers pong", async () => {
    const { headers, body } = await app.inject("/ping");
    expect([headers["content-type"], body]).toEqual(["text/plain; charset=utf-8", "pong"]);
  });
});
