import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const { packages } = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"));
const places = (name: string) => Object.keys(packages).filter((place) => place.endsWith(`node_modules/${name}`));

describe("the lock of packages", () => {
  it("has ONNX Runtime and libvips once, although LanceDB would like copies of its own", () => {
    expect(places("onnxruntime-node")).toHaveLength(1);
    expect(places("@img/sharp-libvips-linux-x64")).toHaveLength(1);
  });

  it("has neither transformers.js nor OpenAI's client", () => {
    for (const name of ["@huggingface/transformers", "openai"]) {
      for (const place of places(name)) expect(packages[place].name).toBe("empty-npm-package");
    }
  });

  it("keeps all that the service itself does not need out of an installation without development", () => {
    const optional = Object.keys(packages[""].peerDependenciesMeta);
    expect(optional).toContain("@lancedb/lancedb");
    for (const name of [...optional, "@lancedb/lancedb-linux-x64-gnu", "streamx"]) {
      for (const place of places(name)) expect(packages[place].dev ?? packages[place].devOptional).toBe(true);
    }
    expect(packages[""].optionalDependencies).toBeUndefined();
  });
});
