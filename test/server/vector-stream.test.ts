import Fastify from "fastify";
import { describe, expect, it } from "vitest";
import { listed, sendVectors, type VectorEncoding } from "../../src/server/vector-stream.ts";

/** Gives what a route answers that sends these vectors. */
async function sent(vectors: Float32Array[], encoding: VectorEncoding = "float") {
  const app = Fastify();
  app.get("/", (_request, reply) => sendVectors(reply, ["[", ...listed(vectors), "]"], encoding));
  return app.inject("/");
}

const vectors = (count: number) =>
  Array.from({ length: count }, (_, i) => Float32Array.from({ length: 512 }, (_, j) => (j === 0 ? i : -2.5)));

describe("a stream of vectors", () => {
  it.each([0, 1, 15, 16, 17, 32, 33, 100])("is one JSON document in order, for %i of them", async (count) => {
    const { headers, json } = await sent(vectors(count));
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(json()).toEqual(vectors(count).map((vector) => [...vector]));
  });

  it("says its length if it is short", async () => {
    expect(Number((await sent(vectors(3))).headers["content-length"])).toBeGreaterThan(10);
    expect((await sent(vectors(17))).headers["content-length"]).toBeUndefined();
  });

  it("prints little-endian float32s in base64 where that is asked for, of a part of a larger buffer, too", async () => {
    const part = new Float32Array([9, 1, -0.1, 9]).subarray(1, 3);
    const [base64] = (await sent([part], "base64")).json();
    const bytes = Buffer.from(base64, "base64");
    expect([bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([8, 1, Math.fround(-0.1)]);
  });
});
