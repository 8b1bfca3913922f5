import { describe, it } from "vitest";
import { expectRightPictures, followReadme } from "../support/follow-readme.ts";

describe("the example for Qdrant", () => {
  it("finds pictures with Qdrant's local mode, as its README says", async () => {
    expectRightPictures(await followReadme("databases/qdrant"));
  });
});
