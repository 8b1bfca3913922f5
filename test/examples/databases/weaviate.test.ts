import { describe, expect, it } from "vitest";
import { copyExample, runLine, typeErrors } from "../support/follow-readme.ts";

describe("the example for Weaviate", () => {
  it("fits the types of Weaviate's client", async () => {
    const folder = await copyExample("databases/weaviate");
    await runLine("npm ci", { folder });
    expect(await typeErrors(folder)).toBe("");
  });
});
