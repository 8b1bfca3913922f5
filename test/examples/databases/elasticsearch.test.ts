import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../support/follow-readme.ts";
import { type Asked, jsonLines, nearest, type Row, startStandIn } from "../support/stand-in.ts";

const index = "/pictures_";

describe("the example for Elasticsearch, against a stand-in", () => {
  it("makes a field of unit vectors, fills it in bulk and asks for nearest neighbours", async () => {
    const rows = new Map<string, Row>();
    let exists = false;
    const headers = { "x-elastic-product": "Elasticsearch" }; // The client refuses a server that does not say so.
    const answer = ({ route, body }: Asked) => {
      if (route.startsWith(`HEAD ${index}`)) return { status: exists ? 200 : 404 };
      if (route.startsWith(`PUT ${index}`)) {
        const vector = { type: "dense_vector", dims: 512, index: true, similarity: "cosine" };
        expect(JSON.parse(body)).toEqual({ mappings: { properties: { path: { type: "keyword" }, vector } } });
        exists = true;
        return { body: { acknowledged: true } };
      }
      if (route === "PUT /_bulk" || route === "POST /_bulk") {
        const lines = jsonLines(body);
        for (let i = 0; i < lines.length; i += 2) rows.set(lines[i].index._id, lines[i + 1]);
        return { body: { errors: false, items: [] } };
      }
      expect(route).toMatch(/^POST \/pictures_.*\/_search$/);
      const { knn } = JSON.parse(body);
      expect(knn).toMatchObject({ field: "vector", k: 5, num_candidates: 100 });
      const found = nearest(rows.values(), knn.query_vector);
      const hits = found.map(({ cosine, path }) => ({ _score: (1 + cosine) / 2, _source: { path } }));
      return { body: { hits: { hits } } };
    };
    const url = await startStandIn((asked) => ({ ...answer(asked), headers }));
    const followed = await followReadme("databases/elasticsearch", { settings: { ELASTICSEARCH_URL: url } });
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
