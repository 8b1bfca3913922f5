import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, openPage, type PageOptions } from "./support/browser.ts";
import { type RunningService, startService } from "./support/service.ts";

const folder = resolve(import.meta.dirname, "../../docs/pictures");

let service: RunningService;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

interface Shot extends Omit<PageOptions, "url"> {
  name: string;
  hash: string;
  show: (page: Page) => Promise<unknown>;
}

const hasResults = (page: Page) => page.locator(".tile-score").nth(8).waitFor();
const shots: Shot[] = [
  { name: "search", hash: "#q=pingüino", height: 800, show: hasResults },
  { name: "search-dark", hash: "#q=หิมะ&t=1:rocket", height: 800, isDark: true, show: hasResults },
  { name: "compare", hash: "#view=compare", height: 720, show: (page) => page.locator(".cell.best").nth(3).waitFor() },
  { name: "map", hash: "#view=map", show: (page) => page.locator("canvas[data-loaded='436']").waitFor() },
  { name: "phone", hash: "#q=हाथी", isPhone: true, show: hasResults },
];

describe("the pictures of the documentation", () => {
  it.each(shots)("show the page as it is: $name", async ({ name, hash, show, ...options }) => {
    const { page, errors } = await openPage(browser, { url: service.url + hash, ...options });
    await show(page);
    await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => {}))));
    const shot = await sharp(await page.screenshot())
      .webp({ quality: 88 })
      .toBuffer();
    const file = join(folder, `${name}.webp`);
    if (process.env.UPDATE_PICTURES) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, shot);
    }
    // Fonts differ between machines, so that the pixels are not compared.
    expect(existsSync(file)).toBe(true);
    const [kept, now] = await Promise.all([sharp(readFileSync(file)).metadata(), sharp(shot).metadata()]);
    expect([kept.width, kept.height]).toEqual([now.width, now.height]);
    expect(errors).toEqual([]);
  });
});
