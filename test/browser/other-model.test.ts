import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleSentences } from "../../web/src/compare/example-sentences.ts";
import { buildTinyModel } from "../support/tiny-model.ts";
import { launchBrowser, openPage, search } from "./support/browser.ts";
import { drawing } from "./support/pictures.ts";
import { type RunningService, startService } from "./support/service.ts";

let model: string;
let service: RunningService;
let browser: Browser;

beforeAll(async () => {
  model = await buildTinyModel();
  const manifest = join(model, "manifest.json");
  const facts = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(manifest, JSON.stringify({ ...facts, logit: { kind: "softmax", scale: 4.6 } })); // CLIP's, which the tiny pair lacks
  [service, browser] = await Promise.all([startService({ MODEL: model }), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(dirname(model), { recursive: true, force: true });
});

describe("a model other than the one that ships", () => {
  it("gets the examples encoded when one asks for that: the vectors that ship are not used with it", {
    timeout: 900_000,
  }, async () => {
    const { page, errors } = await openPage(browser, { url: service.url });
    await page.getByText("The examples have no vectors of tiny yet.").waitFor();
    await page.getByRole("button", { name: "Encode the examples" }).click();
    await page.getByText("The examples have no vectors of tiny yet.").waitFor({ state: "detached" });
    await page.locator(".encoding").waitFor({ state: "detached", timeout: 600_000 });
    await search(page, "dog");
    await page.getByText("Captions work better than keywords").waitFor();
    expect(await page.getByText("is the small model that ships").count()).toBe(0);
    expect(errors).toEqual([]);
  });

  it("shows its own probabilities of the sentences for each picture, as POST /rank gives them", async () => {
    const { page, errors } = await openPage(browser, { url: `${service.url}#view=compare` });
    await page.locator(".compared-picture").nth(3).waitFor();
    await page.getByRole("checkbox", { name: /^Probabilities, as the model gives them \(softmax/ }).check();
    await page.locator("tbody tr:last-child td:last-child .probability").waitFor();
    const columns = await page.locator("tbody tr").evaluateAll((rows) => {
      const cells = rows.map((row) => [...row.querySelectorAll<HTMLElement>(".probability")]);
      return cells[0]!.map((_, column) => cells.map((row) => Number.parseFloat(row[column]!.innerText)));
    });
    expect(columns).toHaveLength(4);
    for (const column of columns) expect(column.reduce((sum, percent) => sum + percent, 0)).toBeCloseTo(100, 0);

    const reply = await fetch(`${service.url}rank`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        query: { b64: drawing("red apple").bytes.toString("base64") },
        candidates: exampleSentences.map((text) => ({ text })),
        probabilities: true,
      }),
    });
    const { results } = (await reply.json()) as { results: { index: number; probability: number }[] };
    for (const { index, probability } of results) expect(columns[0]![index]).toBeCloseTo(100 * probability, 0);
    expect(errors).toEqual([]);
  });
});
