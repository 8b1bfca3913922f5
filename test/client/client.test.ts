import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, type ClientOptions, createClient, ServiceError } from "../../src/client/client.ts";
import { testApp } from "../support/test-app.ts";

const { app, encoder } = testApp({ apiKeys: ["the-key"], corsOrigins: ["*"] });
let baseUrl: string;
let client: Client;
beforeAll(async () => {
  baseUrl = await app.listen({ port: 0, host: "127.0.0.1" });
  client = countingClient().client;
});
afterAll(() => app.close());

/** A client of the service, and the paths that it asked for. */
function countingClient(options: Partial<ClientOptions> = {}) {
  const paths: string[] = [];
  const client = createClient({
    baseUrl,
    apiKey: "the-key",
    fetch: (url, init) => {
      paths.push(new URL(String(url)).pathname);
      return fetch(url, init);
    },
    ...options,
  });
  return { client, paths };
}

/** The fake encoder's vectors begin with the length of their input. */
const first = (vectors: readonly (Float32Array | null)[]) => vectors.map((vector) => vector?.[0] ?? null);
const bytes = (length: number) => new Uint8Array(length).fill(1);

describe("encodeText and encodeImage", () => {
  it("give one vector, and what the headers say of it", async () => {
    const { embedding, model, isTruncated, stages } = await client.encodeText("hello");
    expect(embedding).toBeInstanceOf(Float32Array);
    expect([embedding.length, embedding[0], model, isTruncated]).toEqual([512, 5, "fake-model", false]);
    expect(stages.map(({ name }) => name)).toContain("inference");
  });

  it("take bytes as they are, or base64, or a URL", async () => {
    const b64 = Buffer.alloc(7, 1).toString("base64");
    const inputs = [bytes(7), new Blob([bytes(7)]), { b64 }, { url: `data:image/png;base64,${b64}` }];
    for (const input of inputs) expect((await client.encodeImage(input)).embedding[0]).toBe(7);
  });

  it("give the raw output where that is wanted", async () => {
    await client.encodeImage(bytes(7), { normalize: false });
    expect(encoder.options.at(-1)!.normalize).toBe(false);
    await client.encodeText("a", { normalize: false });
    expect(encoder.options.at(-1)!.normalize).toBe(false);
  });
});

describe("encodeTexts and encodeImages", () => {
  it("send batches in requests, and keep the order", async () => {
    const { client, paths } = countingClient({ batchSize: 3, concurrency: 2 });
    const texts = Array.from({ length: 8 }, (_, i) => "x".repeat(i + 1));
    expect(first((await client.encodeTexts(texts)).embeddings)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(paths).toEqual(Array(3).fill("/encode_text"));
  });

  it("send pictures' bytes in a request each, and the others together", async () => {
    const { client, paths } = countingClient();
    const b64 = (length: number) => ({ b64: Buffer.alloc(length, 1).toString("base64") });
    const { embeddings, errors } = await client.encodeImages([b64(3), bytes(4), b64(5), new Blob([bytes(6)])]);
    expect(first(embeddings)).toEqual([3, 4, 5, 6]);
    expect([errors, paths]).toEqual([[], Array(3).fill("/encode_image")]);
  });

  it("never have more requests at once than they may", async () => {
    let now = 0;
    let most = 0;
    const counting: typeof fetch = async (url, init) => {
      most = Math.max(most, ++now);
      return fetch(url, init).finally(() => now--);
    };
    const { client } = countingClient({ batchSize: 1, concurrency: 3, fetch: counting });
    await client.encodeTexts(Array(10).fill("a"));
    expect(most).toBe(3);
  });

  it("give null for what is bad, wherever it stands, if asked to", async () => {
    const { client } = countingClient({ batchSize: 2 });
    const { embeddings, errors } = await client.encodeTexts(["a", "bb", "ccc", " ", "d"], { onError: "null" });
    expect(first(embeddings)).toEqual([1, 2, 3, null, 1]);
    expect(errors).toEqual([{ index: 3, code: "EMPTY_TEXT", error: expect.any(String) }]);
    const pictures = await client.encodeImages([{ b64: "AAAA" }, bytes(0), { b64: "!" }], { onError: "null" });
    expect(first(pictures.embeddings)).toEqual([3, null, null]);
    expect(pictures.errors.map(({ index }) => index)).toEqual([1, 2]);
  });

  it("name the item of the batch that failed, not that of the request, and send nothing more", async () => {
    const { client, paths } = countingClient({ batchSize: 2, concurrency: 1 });
    const failure = client.encodeTexts(["a", "b", "c", " ", "e", "f"]);
    await expect(failure).rejects.toMatchObject({
      ...{ name: "ServiceError", code: "EMPTY_TEXT", status: 400, index: 3 },
      message: expect.stringMatching(/^texts\[3\]: /),
    });
    expect(paths).toHaveLength(2);
  });

  it("ask for nothing where there is nothing", async () => {
    const { client, paths } = countingClient();
    expect(await client.encodeTexts([])).toMatchObject({ embeddings: [], errors: [] });
    expect(paths).toEqual([]);
  });

  it("refuse to mix the vectors of two models", async () => {
    let answers = 0;
    const fetch = async () =>
      Response.json(
        { success: true, dimensions: 0, embeddings: [""] },
        { headers: { "x-model": `model-${++answers}` } },
      );
    const { client } = countingClient({ batchSize: 1, fetch });
    await expect(client.encodeTexts(["a", "b"])).rejects.toMatchObject({ code: "MODEL_CHANGED" });
  });

  it("refuse to mix the vectors of two models of one name", async () => {
    const one = Buffer.from(Float32Array.of(1).buffer).toString("base64");
    const two = Buffer.from(Float32Array.of(1, 0).buffer).toString("base64");
    const answers = [
      Response.json({ success: true, dimensions: 1, embeddings: [one] }),
      Response.json({ success: true, dimensions: 2, embeddings: [two] }),
    ];
    const { client } = countingClient({ batchSize: 1, concurrency: 1, fetch: async () => answers.shift()! });
    const error = { code: "MODEL_CHANGED", message: expect.stringContaining("1 and 2 dimensions") };
    await expect(client.encodeTexts(["a", "b"])).rejects.toMatchObject(error);
  });

  it.each([
    ["of another length than the answer tells", "AACAPw==", "a vector of 1 numbers and tells 2 dimensions"],
    ["that is cut within a number", "AACA", "something else than a vector"],
    ["that is no base64", "[1,0]", "something else than a vector"],
  ])("refuse a vector %s", async (_what, vector, sentence) => {
    const answer = { success: true, dimensions: 2, embedding: vector, embeddings: [vector] };
    const { client } = countingClient({ fetch: async () => Response.json(answer) });
    const error = { code: "UNEXPECTED_ANSWER", message: expect.stringContaining(sentence) };
    await expect(client.encodeText("a")).rejects.toMatchObject(error);
    await expect(client.encodeTexts(["a"])).rejects.toMatchObject(error);
  });
});

describe("the other routes", () => {
  it("rank and compare words and pictures, whose bytes stand for base64", async () => {
    const { results, model } = await client.rank({ query: { b64: bytes(7) }, candidates: [{ text: "a" }], top: 1 });
    expect([results, model]).toEqual([[{ index: 0, cosine: expect.any(Number) }], "fake-model"]);
    const { similarities } = await client.compare({ a: [{ text: "a" }], b: [{ text: "a" }, { b64: bytes(7) }] });
    expect(similarities[0]![0]).toBeCloseTo(1, 5);
  });

  it("say what is served and how it is", async () => {
    expect(await client.info()).toMatchObject({ model: "fake-model", limits: { maxBatchItems: 2048 } });
    expect([await client.isHealthy(), await client.isReady(), await client.isLive()]).toEqual([true, true, true]);
    const { client: nobody } = countingClient({ baseUrl: "http://127.0.0.1:1" });
    expect(await nobody.isHealthy()).toBe(false);
  });

  it("search an index, with a vector as a question, and fetch its pictures", async () => {
    const requests: Request[] = [];
    const answers = [
      Response.json({ success: true, results: [{ id: "a/b", score: 0.5, columns: {} }] }),
      new Response("webp"),
      Response.json({ success: true, model: "m", count: 3 }),
      Response.json({ success: true, count: 3, pictures: [{ id: "a", columns: {}, embedding: "AACAPw==" }] }),
    ];
    const fetch: ClientOptions["fetch"] = async (url, init) => {
      requests.push(new Request(url, init));
      return answers.shift()!;
    };
    const { client } = countingClient({ baseUrl: "http://host/below", fetch });
    const { results } = await client.search({ embedding: Float32Array.of(1, 0), limit: 1 });
    expect(await requests[0]!.json()).toEqual({ embedding: [1, 0], limit: 1 });
    expect(await (await client.picture(results[0]!.id, { width: 512 })).text()).toBe("webp");
    expect(await client.index()).toMatchObject({ count: 3 });
    const { pictures } = await client.sample({ limit: 5 });
    expect(pictures[0]!.embedding).toEqual(Float32Array.of(1));
    const paths = requests.map(({ url }) => url.replace("http://host/below/", ""));
    expect(paths).toEqual(["search", "pictures/a%2Fb?width=512", "index", "index/sample?limit=5&encoding=base64"]);
    expect(requests.map(({ headers }) => headers.get("authorization"))).toEqual(Array(4).fill("Bearer the-key"));
  });
});

describe("a sample of an index", () => {
  const sampleOf = (...embeddings: string[]) => {
    const pictures = embeddings.map((embedding, id) => ({ id: String(id), columns: {}, embedding }));
    const fetch = async () => Response.json({ success: true, count: 3, pictures });
    return countingClient({ fetch }).client.sample();
  };
  const [one, two] = ["AACAPw==", "AACAPwAAgD8="];

  it("may be empty", async () => {
    expect((await sampleOf()).pictures).toEqual([]);
    expect((await sampleOf(two, two)).pictures).toHaveLength(2);
  });

  it.each([[[two, one]], [[one, two]], [[two, ""]], [["AACAPw", two]], [[two, "?"]]])(
    "is refused where its vectors have not one length: %j",
    async (embeddings) => {
      await expect(sampleOf(...embeddings)).rejects.toMatchObject({ code: "UNEXPECTED_ANSWER" });
    },
  );
});

describe("a failure", () => {
  it("is told at once where sizes are none, and without the key where that is none", async () => {
    for (const wrong of [{ batchSize: 0 }, { batchSize: Number.NaN }, { concurrency: 0 }, { concurrency: 1.5 }]) {
      expect(() => createClient({ baseUrl, ...wrong })).toThrow(RangeError);
    }
    const failure = await countingClient({ apiKey: "a\nsecret" })
      .client.info()
      .catch((error) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(failure.message).not.toContain("secret");
    const vault = () => {
      throw new Error("vault sealed");
    };
    await expect(countingClient({ apiKey: vault }).client.info()).rejects.toThrow("vault sealed");
  });

  it("is a ServiceError with the service's own code and sentence", async () => {
    const { client } = countingClient({ apiKey: () => "another" });
    const error = await client.encodeText("a").catch((error) => error);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: "UNAUTHORIZED", status: 401, message: expect.stringContaining("API key") });
  });

  it("says when the service cannot be reached, after a second try", async () => {
    let tries = 0;
    const failures: ServiceError[] = [];
    const { client } = countingClient({
      fetch: async () => {
        tries++;
        throw new TypeError("fetch failed");
      },
      onFailure: (error) => failures.push(error),
    });
    await expect(client.info()).rejects.toMatchObject({ status: 0, code: "UNREACHABLE" });
    expect([tries, failures.map(({ code }) => code)]).toEqual([2, ["UNREACHABLE"]]);
  });

  it("says when what answers JSON is something else, or answers for other items", async () => {
    const unexpected = { code: "UNEXPECTED_ANSWER" };
    for (const body of [null, {}, [], "a", 1]) {
      const { client } = countingClient({ fetch: async () => Response.json(body) });
      const calls = [
        ...[client.info(), client.index(), client.sample(), client.encodeText("a"), client.encodeTexts(["a"])],
        client.rank({ query: { text: "a" }, candidates: [{ text: "b" }] }),
        client.compare({ a: [{ text: "a" }], b: [{ text: "b" }] }),
      ];
      for (const call of calls) await expect(call).rejects.toMatchObject(unexpected);
    }
    const one = Response.json({ success: true, dimensions: 1, embeddings: ["AACAPw=="] });
    const few = countingClient({ fetch: async () => one.clone() }).client.encodeTexts(["a", "b", "c"]);
    await expect(few).rejects.toMatchObject(unexpected);
  });

  /** An answer whose body stops in the middle until it is aborted or cut. */
  const halfAnswer = (init: RequestInit | undefined, isCut: boolean) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('{"success":'));
        init?.signal?.addEventListener("abort", () => controller.error(init.signal!.reason));
        if (isCut) controller.error(new TypeError("terminated"));
      },
    });
    return new Response(body);
  };

  it("is the signal's own reason where it aborts an answer that is arriving", async () => {
    const { client } = countingClient({ fetch: async (_url, init) => halfAnswer(init, false) });
    for (const call of [
      client.encodeTexts(["a"], { signal: AbortSignal.timeout(20) }),
      client.info({ signal: AbortSignal.timeout(20) }),
      client.picture("a", { signal: AbortSignal.timeout(20) }),
    ]) {
      await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
    }
  });

  it("is none where a connection is cut within an answer, and the second try is answered", async () => {
    let tries = 0;
    const cutOnce: ClientOptions["fetch"] = async (url, init) =>
      tries++ === 0 ? halfAnswer(init, true) : fetch(url, init);
    expect((await countingClient({ fetch: cutOnce }).client.encodeText("hello")).embedding[0]).toBe(5);
    const cut = countingClient({ fetch: async (_url, init) => halfAnswer(init, true) }).client.picture("a");
    await expect(cut).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("says when something else answers", async () => {
    const html = async () => new Response("<html>");
    await expect(countingClient({ fetch: html }).client.info()).rejects.toMatchObject({ code: "UNEXPECTED_ANSWER" });
    const gateway = async () => new Response("<html>", { status: 502 });
    const answer = { code: "UNEXPECTED_ANSWER", status: 502 };
    await expect(countingClient({ fetch: gateway }).client.info()).rejects.toMatchObject(answer);
  });
});

describe("a busy service", () => {
  const refusal = (status: number, headers: Record<string, string> = {}) =>
    Response.json({ success: false, error: "Busy.", code: "OVERLOADED" }, { status, headers });
  const clientOf = (answers: Response[], options: Partial<ClientOptions> = {}) =>
    createClient({ baseUrl, fetch: async () => answers.shift()!, ...options });
  const vector = () => Response.json({ success: true, dimensions: 0, embedding: "" });

  it("is asked again after the time that it names, in seconds or as a date", async () => {
    const waits: number[] = [];
    const soon = refusal(503, { "retry-after": new Date(Date.now() - 1000).toUTCString() });
    const client = clientOf([refusal(429, { "retry-after": "0.01" }), soon, vector()]);
    await client.encodeText("a", { onRetry: ({ seconds }) => waits.push(seconds) });
    expect(waits).toEqual([0.01, 0]);
  });

  it("is given up after maxRetries, or at once if it names a long time", async () => {
    const again = () => refusal(429, { "retry-after": "0" });
    const impatient = clientOf([again(), again(), again()], { maxRetries: 2 });
    await expect(impatient.encodeText("a")).rejects.toMatchObject({ code: "OVERLOADED", retryAfterSeconds: 0 });
    const late = clientOf([refusal(503, { "retry-after": "3600" })]);
    await expect(late.encodeText("a")).rejects.toMatchObject({ retryAfterSeconds: 3600 });
  });

  it("is waited for no longer when the signal aborts", async () => {
    const controller = new AbortController();
    const busy = clientOf([refusal(429, { "retry-after": "60" })]);
    const { signal } = controller;
    const call = busy.encodeText("a", { signal, onRetry: () => controller.abort("given up") });
    await expect(call).rejects.toBe("given up");
    await expect(client.info({ signal })).rejects.toBe("given up");
  });
});

describe("the types of the client", () => {
  it("are those of the routes' schemas", () => {
    // Each of these compiles only because the line is wrong.
    const wrong = [
      // @ts-expect-error: a rank needs candidates
      () => client.rank({ query: { text: "a" } }),
      // @ts-expect-error: a limit is a number
      () => client.search({ text: "a", limit: "many" }),
      // @ts-expect-error: with onError: "null" a vector may be null
      async () => (await client.encodeTexts(["a"], { onError: "null" })).embeddings.map((it) => it.length),
    ];
    expect(wrong).toHaveLength(3);
  });
});
