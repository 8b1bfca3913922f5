import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../support/follow-readme.ts";

describe("the example for LanceDB", () => {
  it("finds pictures with LanceDB in the process, as its README says", async () => {
    const followed = await followReadme("databases/lancedb");
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
