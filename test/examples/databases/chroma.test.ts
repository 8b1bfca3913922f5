import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../support/follow-readme.ts";

describe("the example for Chroma", () => {
  it("finds pictures with Chroma's server, as its README says", async () => {
    const followed = await followReadme("databases/chroma", { server: { port: 8000, variable: "CHROMA_PORT" } });
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
