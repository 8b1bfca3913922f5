import { Writable } from "node:stream";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { testApp } from "../../support/test-app.ts";

const { app, encoder } = testApp();
const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });
const picture = (length: number) => ({ type: "base64", value: Buffer.alloc(length, 1).toString("base64") });
const first = (vectors: number[][]) => vectors.map(([length]) => length);

describe("Roboflow's POST /clip/embed_text and /clip/embed_image", () => {
  it("answer raw vectors, always nested", async () => {
    const one = (await post("/clip/embed_text", { text: "hello" })).json();
    expect(Object.keys(one)).toEqual(["frame_id", "embeddings", "time"]);
    expect([first(one.embeddings), one.time]).toEqual([[5], expect.any(Number)]);
    expect(encoder.options.at(-1)!.normalize).toBe(false);
    const two = (await post("/clip/embed_image", { image: [picture(7), picture(9)], id: "x", source: "sdk" })).json();
    expect(first(two.embeddings)).toEqual([7, 9]);
    const url = `data:image/png;base64,${picture(3).value}`;
    const byUrl = (await post("/clip/embed_image", { image: { type: "url", value: url } })).json();
    expect(first(byUrl.embeddings)).toEqual([3]);
  });

  it.each([
    ["pickled data", { image: { type: "numpy", value: "gASV" } }, 400, /never read/],
    ["no base64", { image: { type: "base64", value: "!!!!" } }, 400, /^image\[0\]/],
    ["another model", { image: picture(7), clip_version_id: "ViT-L-14" }, 404, /ViT-L-14/],
    ["no image", {}, 400, /image/],
  ])("refuse %s", async (_what, payload, status, message) => {
    const reply = await post("/clip/embed_image", payload);
    expect([reply.statusCode, reply.json()]).toEqual([status, { message: expect.stringMatching(message) }]);
  });
});

describe("Roboflow's POST /clip/compare", () => {
  it("answers a list of cosines, or named ones, as the prompts were", async () => {
    const subject = picture(7);
    const list = (await post("/clip/compare", { subject, prompt: ["a", "b"] })).json();
    expect(list).toEqual({ similarity: [expect.any(Number), expect.any(Number)], time: expect.any(Number) });
    expect((await post("/clip/compare", { subject, prompt: "a" })).json().similarity).toHaveLength(1);
    const named = (await post("/clip/compare", { subject, prompt: { dog: "a dog", "7": "seven" } })).json();
    expect(Object.keys(named.similarity).sort()).toEqual(["7", "dog"]);
  });

  it("takes either kind on either side", async () => {
    const texts = { subject: "a", subject_type: "text", prompt: "a", prompt_type: "text" };
    expect((await post("/clip/compare", texts)).json().similarity[0]).toBeCloseTo(1, 5);
    const pictures = { subject: picture(7), prompt: [picture(7), picture(7).value], prompt_type: "image" };
    expect((await post("/clip/compare", pictures)).json().similarity).toHaveLength(2);
  });

  it.each([
    ["an image that is called a text", { subject: "a", subject_type: "text", prompt: picture(7) }, /prompt\[0\]/],
    ["pickled data", { subject: { type: "numpy", value: "gASV" }, prompt: "a" }, /never read/],
    ["no prompts", { subject: picture(7), prompt: [] }, /prompt/],
  ])("refuses %s", async (_what, payload, message) => {
    const reply = await post("/clip/compare", payload);
    expect([reply.statusCode, reply.json()]).toEqual([400, { message: expect.stringMatching(message) }]);
  });
});

describe("a key in the request itself", () => {
  const locked = testApp({ apiKeys: ["the-key"] }).app;
  const status = async (url: string, payload: object, headers = {}) =>
    (await locked.inject({ method: "POST", url, payload, headers })).statusCode;

  it("opens Roboflow's routes, from the query or from a small body", async () => {
    expect(await status("/clip/embed_text?api_key=the-key", { text: "a" })).toBe(200);
    expect(await status("/clip/embed_text", { text: "a", api_key: "the-key" })).toBe(200);
    expect(await status("/clip/embed_text", { text: "a" }, { "x-api-key": "the-key" })).toBe(200);
    const large = { image: picture(100_000) };
    expect(await status("/clip/embed_image?api_key=the-key", large)).toBe(200);
    expect(await status("/clip/embed_image", { ...large, api_key: "the-key" })).toBe(401);
  });

  it.each([
    ["/clip/embed_text", { text: "a" }],
    ["/clip/embed_text", { text: "a", api_key: "another" }],
    ["/clip/embed_text", { text: "a", api_key: ["the-key"] }],
    ["/clip/embed_text?api_key=another", { text: "a", api_key: "the-key" }],
    ["/clip/embed_text?api_key=the-key&api_key=the-key", { text: "a" }],
    ["/encode_text?api_key=the-key", { text: "a" }],
    ["/encode_text", { text: "a", api_key: "the-key" }],
    ["/v1/embeddings?api_key=the-key", { input: "a" }],
  ])("is refused at %s with %o", async (url, payload) => {
    expect(await status(url, payload)).toBe(401);
  });

  it("is written to no log and no metric", async () => {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const { app, metrics } = testApp({ apiKeys: ["the-key"] }, pino({ level: "trace" }, stream));
    for (const key of ["the-key", "wrong-key"]) {
      await app.inject({ method: "POST", url: `/clip/embed_text?api_key=${key}`, payload: { text: "" } });
      await app.inject({ method: "POST", url: "/clip/embed_text", payload: { text: "", api_key: key } });
    }
    expect(lines.join("")).toContain("/clip/embed_text");
    expect(lines.join("") + (await metrics.registry.metrics())).not.toMatch(/the-key|wrong-key/);
  });
});
