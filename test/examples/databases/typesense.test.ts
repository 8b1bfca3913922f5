import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../support/follow-readme.ts";
import { jsonLines, nearest, type Row, startStandIn } from "../support/stand-in.ts";

describe("the example for Typesense, against a stand-in", () => {
  it("makes a field with its number of dimensions, imports rows and asks in a POST", async () => {
    const rows = new Map<string, Row>();
    let schema: unknown;
    const url = await startStandIn(({ route, query, body }) => {
      if (route.startsWith("GET /collections/pictures_")) return schema ? { body: schema } : { status: 404, body: {} };
      if (route === "POST /collections") {
        schema = JSON.parse(body);
        const vector = { name: "vector", type: "float[]", num_dim: 512, vec_dist: "cosine" };
        expect(schema).toMatchObject({ fields: [{ name: "path", type: "string" }, vector] });
        return { status: 201, body: schema };
      }
      if (/^POST \/collections\/pictures_.*\/documents\/import$/.test(route)) {
        expect(query.get("action")).toBe("upsert");
        const lines = jsonLines(body);
        for (const { id, ...row } of lines) rows.set(id, row);
        return { body: lines.map(() => '{"success":true}').join("\n") };
      }
      expect(route).toBe("POST /multi_search");
      const [search] = JSON.parse(body).searches;
      const [, numbers] = /^vector:\(\[([^\]]+)\], k:5\)$/.exec(search.vector_query)!;
      expect(search).toMatchObject({ q: "*", include_fields: "path", limit: 5 });
      const found = nearest(rows.values(), numbers!.split(",").map(Number));
      const hits = found.map(({ cosine, path }) => ({ document: { path }, vector_distance: 1 - cosine }));
      return { body: { results: [{ hits }] } };
    });
    const followed = await followReadme("databases/typesense", { settings: { TYPESENSE_URL: url } });
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
