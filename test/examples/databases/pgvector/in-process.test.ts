import { describe, expect, it } from "vitest";
import { expectRightPictures, followReadme, typeErrors } from "../../support/follow-readme.ts";

describe("the example for pgvector", () => {
  it("finds pictures with PostgreSQL in the process, as its README says", async () => {
    const followed = await followReadme("databases/pgvector");
    expectRightPictures(followed);
    expect(await typeErrors(followed.folder)).toBe("");
  });
});
