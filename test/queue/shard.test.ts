import { describe, expect, it } from "vitest";
import { type Shard, shardId, shardSchema } from "../../src/queue/shard.ts";

const shard: Shard = {
  run: "0123456789abcdef0123456789abcdef",
  model: { name: "m", build: "b", precision: "fp32", version: "1.0.0" },
  tower: "image",
  format: "npy",
  dtype: "float32",
  part: 7,
  rows: [{ key: "k", name: "photos/k.jpg", input: { file: "/photos/\xc3\xa9.jpg" } }],
};

describe("a shard", () => {
  it("keeps its id on its way through the queue", () => {
    expect(shardId(shardSchema.parse(JSON.parse(JSON.stringify(shard))))).toBe(shardId(shard));
  });

  it.each<[string, Partial<Shard>]>([
    ["another input", { rows: [{ ...shard.rows[0]!, input: { file: "/photos/a.jpg" } }] }],
    ["a changed input", { rows: [{ ...shard.rows[0]!, version: "2" }] }],
    ["another model", { model: { ...shard.model, build: "c" } }],
    ["another run", { run: "0".repeat(32) }],
    ["another part", { part: 8 }],
  ])("has another id for %s", (_, change) => {
    expect(shardId({ ...shard, ...change })).not.toBe(shardId(shard));
  });

  it.each<[string, unknown]>([
    ["a path from nowhere", { rows: [{ ...shard.rows[0], input: { file: "photos/a.jpg" } }] }],
    ["a path with a zero byte", { rows: [{ ...shard.rows[0], input: { file: "/a\0b" } }] }],
    ["a path of wide characters", { rows: [{ ...shard.rows[0], input: { file: "/\u0100" } }] }],
    ["two references in one", { rows: [{ ...shard.rows[0], input: { file: "/a", url: "http://b" } }] }],
    ["a place to write to", { out: "/etc" }],
    ["a part that is a path", { part: "../0" }],
    ["a negative part", { part: -1 }],
    ["no rows", { rows: [] }],
    ["too many rows", { rows: Array(1001).fill(shard.rows[0]) }],
    ["an unknown format", { format: "pickle" }],
  ])("with %s is refused", (_, change) => {
    expect(shardSchema.safeParse({ ...shard, ...(change as object) }).success).toBe(false);
  });
});
