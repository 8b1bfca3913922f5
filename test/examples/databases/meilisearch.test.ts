import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../support/follow-readme.ts";
import { nearest, type Row, startStandIn } from "../support/stand-in.ts";

describe("the example for Meilisearch, against a stand-in", () => {
  it("sets up an embedder for given vectors, waits for its tasks and searches by vector alone", async () => {
    const rows = new Map<string, Row>();
    const queued = { status: 202, body: { taskUid: 1, status: "enqueued" } };
    const url = await startStandIn(({ route, query, body }) => {
      if (route === "GET /tasks/1") return { body: { uid: 1, status: "succeeded", error: null } };
      if (/^PATCH \/indexes\/pictures_.*\/settings\/embedders$/.test(route)) {
        expect(JSON.parse(body)).toEqual({ clip: { source: "userProvided", dimensions: 512 } });
        return queued;
      }
      if (/^POST \/indexes\/pictures_.*\/documents$/.test(route)) {
        expect(query.get("primaryKey")).toBe("id");
        for (const { id, path, _vectors } of JSON.parse(body)) {
          expect(id).toMatch(/^[\w-]{1,511}$/);
          rows.set(id, { path, vector: _vectors.clip[0] });
        }
        return queued;
      }
      expect(route).toMatch(/^POST \/indexes\/pictures_.*\/search$/);
      const { vector, hybrid, limit, showRankingScore } = JSON.parse(body);
      expect({ hybrid, limit, showRankingScore }).toEqual({
        hybrid: { embedder: "clip", semanticRatio: 1 },
        limit: 5,
        showRankingScore: true,
      });
      const found = nearest(rows.values(), vector);
      return { body: { hits: found.map(({ cosine, path }) => ({ path, _rankingScore: (1 + cosine) / 2 })) } };
    });
    const followed = await followReadme("databases/meilisearch", { settings: { MEILISEARCH_URL: url } });
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
