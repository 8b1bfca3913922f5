import { describe, expect, it } from "vitest";
import { createClient } from "../../../web/src/client/client.ts";
import { ServiceProblem } from "../../../web/src/client/problem.ts";
import { parseServerTiming } from "../../../web/src/client/timing.ts";

/** Makes a client of a service that gives these answers, one after the other. */
function clientOf(answers: (Response | Error)[], apiKey?: string) {
  const requests: Request[] = [];
  const problems: ServiceProblem[] = [];
  const client = createClient({
    baseUrl: "http://service/below/",
    apiKey: () => apiKey,
    onProblem: (problem) => problems.push(problem),
    fetch: async (url, init) => {
      requests.push(new Request(url, init));
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { client, requests, problems };
}

const embedding = (values: number[]) =>
  Response.json(
    { success: true, dimensions: 2, embedding: values },
    { headers: { "server-timing": "inference;dur=2.5" } },
  );
const refusal = (status: number, headers: Record<string, string> = {}) =>
  Response.json({ success: false, error: "A sentence.", code: "SOME_CODE" }, { status, headers });

describe("the client", () => {
  it("sends texts as JSON and pictures as they are, with the key in a header", async () => {
    const { client, requests } = clientOf([embedding([1, 0]), embedding([0, 1])], "key");
    const { vectors, stages } = await client.encodeTexts(["a"]);
    expect([...vectors[0]!]).toEqual([1, 0]);
    expect(stages).toEqual([{ name: "inference", ms: 2.5 }]);
    await client.encodeImage(new Blob(["bytes"], { type: "text/html" }));
    expect(requests[0]!.url).toBe("http://service/below/encode_text");
    expect(await requests[0]!.json()).toEqual({ texts: ["a"] });
    expect(requests[1]!.headers.get("content-type")).toBe("application/octet-stream");
    for (const { headers } of requests) expect(headers.get("authorization")).toBe("Bearer key");
  });

  it("gives the service's own sentence and code for a refusal", async () => {
    const { client, problems } = clientOf([refusal(413)]);
    const problem: ServiceProblem = await client.info().catch((error) => error);
    expect(problem).toBeInstanceOf(ServiceProblem);
    expect(problem).toMatchObject({ message: "A sentence.", code: "SOME_CODE", status: 413 });
    expect(problems).toEqual([problem]);
  });

  it("reads the vectors of a sample of the index", async () => {
    const bytes = Buffer.from(Float32Array.of(0.6, -0.8).buffer);
    const pictures = [{ id: "a", path: "a.jpg", columns: {}, embedding: bytes.toString("base64") }];
    const { client, requests } = clientOf([Response.json({ success: true, count: 12, pictures })]);
    const vector = Float32Array.of(0.6, -0.8);
    expect(await client.sample(5)).toEqual({ count: 12, pictures: [{ id: "a", path: "a.jpg", columns: {}, vector }] });
    expect(requests[0]!.url).toBe("http://service/below/index/sample?limit=5&encoding=base64");
  });

  it("waits as long as a busy service says, and tries again, for those who have time", async () => {
    const waits: number[] = [];
    const { client, requests } = clientOf([
      refusal(429, { "retry-after": "0" }),
      refusal(503, { "retry-after": "0" }),
      embedding([1]),
    ]);
    await client.encodeTexts(["a"], { onWait: (seconds) => waits.push(seconds) });
    expect(waits).toEqual([0, 0]);
    expect(requests).toHaveLength(3);
    const { client: hasty } = clientOf([refusal(429)]);
    await expect(hasty.encodeTexts(["a"])).rejects.toThrow("A sentence.");
  });

  it("tells a service that cannot be reached from one that refuses, and from a call that was given up", async () => {
    const { client } = clientOf([new TypeError("fetch failed"), new TypeError("fetch failed")]);
    await expect(client.info()).rejects.toMatchObject({ status: 0, code: "UNREACHABLE" });
    await expect(client.info({ signal: AbortSignal.abort("given up") })).rejects.toBe("given up");
  });

  it("reads stages of any number, and none", () => {
    expect(parseServerTiming("queue;dur=0.12, inference;dur=3")).toEqual([
      { name: "queue", ms: 0.12 },
      { name: "inference", ms: 3 },
    ]);
    expect(parseServerTiming(null)).toEqual([]);
    expect(parseServerTiming("cache;desc=x, ;dur=")).toEqual([]);
  });
});
