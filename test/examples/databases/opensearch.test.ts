import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../support/follow-readme.ts";
import { jsonLines, nearest, type Row, startStandIn } from "../support/stand-in.ts";

describe("the example for OpenSearch, against a stand-in", () => {
  it("makes an index for nearest neighbours, fills it in bulk and asks it", async () => {
    const rows = new Map<string, Row>();
    let exists = false;
    const url = await startStandIn(({ route, body }) => {
      if (route.startsWith("HEAD /pictures_")) return { status: exists ? 200 : 404 };
      if (route.startsWith("PUT /pictures_")) {
        const method = { name: "hnsw", engine: "lucene", space_type: "cosinesimil" };
        expect(JSON.parse(body)).toEqual({
          settings: { "index.knn": true },
          mappings: {
            properties: { path: { type: "keyword" }, vector: { type: "knn_vector", dimension: 512, method } },
          },
        });
        exists = true;
        return { body: { acknowledged: true } };
      }
      if (route === "POST /_bulk") {
        const lines = jsonLines(body);
        for (let i = 0; i < lines.length; i += 2) rows.set(lines[i].index._id, lines[i + 1]);
        return { body: { errors: false, items: [] } };
      }
      expect(route).toMatch(/^POST \/pictures_.*\/_search$/);
      const { query } = JSON.parse(body);
      expect(query.knn.vector.k).toBe(5);
      const found = nearest(rows.values(), query.knn.vector.vector);
      const hits = found.map(({ cosine, path }) => ({ _score: (1 + cosine) / 2, _source: { path } }));
      return { body: { hits: { hits } } };
    });
    const followed = await followReadme("databases/opensearch", { settings: { OPENSEARCH_URL: url } });
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
