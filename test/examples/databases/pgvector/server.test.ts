import { describe, it } from "vitest";
import { expectRightPictures, followReadme } from "../../support/follow-readme.ts";
import { startPostgres } from "../../support/postgres.ts";

describe("the example for pgvector", () => {
  it("finds pictures with the server that DATABASE_URL names", async () => {
    expectRightPictures(
      await followReadme("databases/pgvector", { settings: { DATABASE_URL: await startPostgres() } }),
    );
  });
});
