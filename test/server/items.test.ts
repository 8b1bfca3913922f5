import type { FastifyRequest } from "fastify";
import { expect, it } from "vitest";
import { createItemReader, type Source } from "../../src/server/items.ts";

it("lets go of the base64 of a request once it is decoded", async () => {
  const sizes = { maxBodyBytes: 1000, maxImageBytes: 100, maxTextBytes: 100 };
  const readItems = createItemReader({ ...sizes, maxBatchItems: 3, requestTimeoutMs: 1000 });
  const request = { body: {}, server: { ownTurn: async () => {} } } as unknown as FastifyRequest;
  const sources: Source[] = [{ b64: "AAEC" }, { text: "a dog" }];
  const items = await readItems(request, sources, { noun: "item" });
  expect(items).toEqual([{ image: Buffer.from([0, 1, 2]) }, { text: "a dog" }]);
  expect(sources).toEqual([]);
  expect(request.body).toBeUndefined();
});
