import { rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTinyModel } from "../support/tiny-model.ts";
import { drop, firstNames, isAboutAnswers, launchBrowser, openPage, search } from "./support/browser.ts";
import { drawing } from "./support/pictures.ts";
import { startService } from "./support/service.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

describe("a service with API keys", () => {
  it("gives the page to everyone, and is used with the key that the page asks for", async () => {
    const service = await startService({ API_KEYS: "secret-key" });
    try {
      const { page, context, errors } = await openPage(browser, { url: service.url });
      const field = page.getByLabel("This service asks for an API key.");
      await field.fill("wrong");
      await page.keyboard.press("Enter");
      await page.getByText("The service did not accept this API key. Try another one.").waitFor();
      await page.locator("#api-key").fill("secret-key");
      await page.getByRole("button", { name: "Use it" }).click();
      await page.locator(".lamp.ready").waitFor();
      await search(page, "penguin");
      await expect.poll(() => firstNames(page, 1)).toEqual(["penguin"]);

      await page.getByRole("button", { name: "Copy as code" }).click();
      for (const [language, start] of [
        ["curl", "curl -s"],
        ["JavaScript", "const response"],
        ["Python", "import requests"],
      ] as const) {
        await page.getByRole("radio", { name: language }).check();
        const code = page.locator(".code-dialog pre");
        await expect.poll(() => code.innerText()).toContain(start);
        expect(await code.innerText()).toContain("API_KEY");
        expect(await code.innerText()).not.toContain("secret-key");
      }
      expect(page.url()).not.toContain("secret-key");
      expect(await page.evaluate(() => JSON.stringify(localStorage) + document.cookie)).not.toContain("secret-key");
      await page.reload();
      await page.locator(".lamp.ready").waitFor(); // the tab keeps the key
      const other = await context.newPage();
      await other.goto(service.url);
      await other.locator(".key-form").waitFor(); // another tab does not have it
      expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
    } finally {
      await service.stop();
    }
  });
});

describe("a service that goes away", () => {
  it("is said to be gone, and the page goes on by itself when it is back", async () => {
    const service = await startService();
    const { page, errors } = await openPage(browser, { url: service.url });
    await search(page, "penguin");
    await service.stop();
    await page.getByRole("textbox").fill("crown");
    await page.getByText("The service does not answer.").waitFor();
    await page.locator(".found", { hasText: "pictures for penguin" }).waitFor(); // what was found stays
    await page.locator("ul[aria-label='Results for penguin'] .tile-score").first().waitFor();
    await drop(page, [drawing("crown"), drawing("penguin")], "Add to your pictures");
    const back = await startService({ PORT: new URL(service.url).port });
    try {
      await page.locator(".lamp.ready").waitFor();
      await page.getByText("The service does not answer.").waitFor({ state: "detached" });
      await expect.poll(() => page.locator(".tile-score").count()).toBe(2);
      await expect.poll(() => firstNames(page, 1)).toEqual(["crown.webp"]);
      expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
    } finally {
      await back.stop();
    }
  });

  it("comes back with another model, and nothing of the one before is compared with its vectors", async () => {
    const model = await buildTinyModel();
    const service = await startService();
    const { page, errors } = await openPage(browser, { url: service.url });
    await drop(page, [drawing("crown"), drawing("penguin")], "Add to your pictures");
    await search(page, "penguin");
    const scores = () => page.locator(".tile-score").allInnerTexts();
    await expect.poll(async () => (await scores()).length).toBe(2);
    const before = await scores();
    await service.stop();
    const back = await startService({ PORT: new URL(service.url).port, MODEL: model });
    try {
      await page.getByRole("textbox").fill("crown");
      await page.locator(".model-name", { hasText: "tiny" }).waitFor();
      await page.locator(".lamp.ready").waitFor();
      await page.getByRole("textbox").fill("penguin"); // which the page had asked the other model for
      await expect.poll(async () => (await scores()).length).toBe(2);
      await expect.poll(async () => (await scores()).join()).not.toBe(before.join());
      for (const score of await scores()) expect(score).toMatch(/^-?\d\.\d+$/);
      expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
    } finally {
      await back.stop();
      rmSync(dirname(model), { recursive: true, force: true });
    }
  });

  it("leaves a page that was loaded usable: the network is not needed to look around", async () => {
    const service = await startService();
    const { page, strangers } = await openPage(browser, { url: service.url });
    await search(page, "penguin");
    await service.stop();
    await page.locator(".tile-picture").first().click();
    await page.getByRole("dialog", { name: "penguin.webp" }).waitFor();
    await page.keyboard.press("Escape");
    expect(strangers).toEqual([]);
  });
});
