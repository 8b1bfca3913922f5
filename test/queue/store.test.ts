import { readdirSync, readFileSync } from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStore } from "../../src/queue/store.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

describe("an output in a shared folder", () => {
  it("keeps what is being written away from the parts", async () => {
    const out = await temporaryFolder();
    const store = await openStore(out, "worker-1");
    let during: string[] = [];
    const chunks = (function* () {
      yield Buffer.from("a");
      during = readdirSync(out, { recursive: true, encoding: "utf8" }).sort();
      yield Buffer.from("b");
    })();
    await store.put("img_emb/img_emb_0.npy", chunks);
    expect(during).toEqual([
      ".queue",
      ".queue/unfinished",
      ".queue/unfinished/img_emb-img_emb_0.npy.worker-1",
      "img_emb",
    ]);
    expect(readFileSync(join(out, "img_emb/img_emb_0.npy"), "utf8")).toBe("ab");
    expect(readdirSync(join(out, ".queue/unfinished"))).toEqual([]);
  });

  it("is rid of what writers that died have left for long, and of nothing that may still be written", async () => {
    const out = await temporaryFolder();
    const store = await openStore(out, "worker-1");
    await store.tidy(); // nothing was written yet
    const unfinished = join(out, ".queue/unfinished");
    await mkdir(unfinished, { recursive: true });
    for (const name of ["old", "new"]) await writeFile(join(unfinished, name), "half");
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(join(unfinished, "old"), yesterday, yesterday);
    await store.tidy();
    expect(readdirSync(unfinished)).toEqual(["new"]);
  });
});
