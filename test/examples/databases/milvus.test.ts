import { describe, it } from "vitest";
import { expectRightPictures, followReadme } from "../support/follow-readme.ts";

describe("the example for Milvus", () => {
  it("finds pictures with Milvus Lite, as its README says", async () => {
    expectRightPictures(await followReadme("databases/milvus"));
  });
});
