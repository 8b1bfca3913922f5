import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { urlItem } from "../../src/bulk/items/url-item.ts";
import { keepThumbnails } from "../../src/bulk/thumbnails.ts";
import { thumbnailPath } from "../../src/search/thumbnail-path.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

describe("thumbnails", () => {
  it("of one picture that comes by many URLs at once are written once", async () => {
    const directory = await temporaryFolder();
    let made = 0;
    const thumbnail = async () => {
      made++;
      return Buffer.from("small");
    };
    const { keep, has } = keepThumbnails({ directory, thumbnail });
    const hash = createHash("sha256").update("picture").digest("base64");
    const items = Array.from({ length: 40 }, (_, at) =>
      urlItem({ url: `http://host/${at}.jpg`, key: `${at}`, columns: {} }, {} as never),
    );
    await Promise.all(items.map((item) => keep(item, Buffer.from("picture"), hash)));
    expect(made).toBe(1);
    expect(await has(items[0]!, hash)).toBe(true);
    await rm(thumbnailPath(directory, hash));
    expect(await has(items[0]!, hash)).toBe(false);
    await keep(items[0]!, Buffer.from("picture"), hash);
    expect((await readFile(thumbnailPath(directory, hash))).toString()).toBe("small");
  });
});
