import { describe, expect, it } from "vitest";
import { followReadme } from "../support/follow-readme.ts";

describe("an integration with a real client", () => {
  it.each(["langchain-js", "ai-sdk", "langchain-python", "llamaindex"])("%s finds a title", async (name) => {
    const { steps } = await followReadme(`integrations/${name}`);
    expect(steps.at(-1)!.output).toMatch(/^\d\.\d+ bicycle\n/);
  });

  it("Chroma finds a picture with Roboflow's function, and a title with TEI's", async () => {
    const { steps } = await followReadme("integrations/chroma");
    expect(steps.at(-1)!.output).toMatch(/^elephant-.*\nbicycle\n/);
  });

  it("Milvus's client accepts the schema", async () => {
    const { steps } = await followReadme("integrations/milvus");
    expect(steps.at(-1)!.output).toContain("'provider': 'TEI'");
  });
});
