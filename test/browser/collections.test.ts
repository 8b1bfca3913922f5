import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, openPage, search } from "./support/browser.ts";
import { indexedCount, startFakeIndex } from "./support/fake-index.ts";
import { drawing } from "./support/pictures.ts";
import { type RunningService, startService } from "./support/service.ts";

let service: RunningService;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

const count = 10_000;

/**
 * Answers POST /encode_image in the page itself, with a vector that differs each time, in groups as pictures are: the
 * service would take minutes. Gives how often it was asked.
 */
async function encodeInPage(page: Page): Promise<() => Promise<number>> {
  const asked = await page.evaluateHandle(() => {
    const ask = fetch;
    const asked = { count: 0 };
    window.fetch = async (url, init) => {
      if (new URL(String(url)).pathname !== "/encode_image") return ask(url, init);
      await new Promise((resolve) => setTimeout(resolve));
      const number = asked.count++;
      const group = number % 37;
      const values = Float32Array.from(
        { length: 512 },
        (_, at) => Math.sin(number * 12.9898 + at * 78.233) + 2 * Math.sin(group * 3.77 + at * 8.233),
      );
      const length = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
      const bytes = new Uint8Array(values.map((value) => value / length).buffer);
      return Response.json({ success: true, dimensions: 512, embedding: btoa(String.fromCharCode(...bytes)) });
    };
    return asked;
  });
  return () => asked.evaluate(({ count }) => count);
}

describe("ten thousand pictures", () => {
  it("are dropped, encoded, searched, scrolled and mapped, and few of them are in the document", {
    timeout: 900_000,
  }, async () => {
    const { page, errors } = await openPage(browser, { url: `${service.url}#in=drawings` });
    const encoded = await encodeInPage(page);
    const transfer = await page.evaluateHandle(
      ([base64, count]) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const transfer = new DataTransfer();
        for (let number = 0; number < count; number++) {
          transfer.items.add(new File([bytes], `IMG_${number}.webp`, { type: "image/webp" }));
        }
        return transfer;
      },
      [drawing("red apple").bytes.toString("base64"), count] as const,
    );
    await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
    await page.dispatchEvent("[data-drop='Add to your pictures']", "drop", { dataTransfer: transfer });
    await page.getByRole("radio", { name: /^Your pictures 10,000/ }).waitFor();
    await page.locator(".encoding").waitFor({ state: "detached", timeout: 600_000 });
    expect(await encoded()).toBe(count);

    const longTasks = await page.evaluateHandle(() => {
      const found: number[] = [];
      new PerformanceObserver((list) => found.push(...list.getEntries().map(({ duration }) => duration))).observe({
        type: "longtask",
      });
      return found;
    });
    await search(page, "penguin");
    await expect.poll(() => page.locator(".found strong").innerText()).toMatch(/^(10,000|9,\d{3})$/);
    for (let step = 0; step < 30; step++) await page.mouse.wheel(0, 900);
    await page.locator(".tile-picture").first().focus();
    await page.keyboard.press("End");
    await expect
      .poll(() => page.evaluate(() => Number((document.activeElement as HTMLElement | null)?.dataset.index)))
      .toBeGreaterThan(9000);
    await expect.poll(() => page.locator(".tile").count()).toBeLessThan(150);
    await expect.poll(() => page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(2000);
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await page.getByRole("application", { name: /^Map of 10000 pictures/ }).waitFor();
    const map = (await page.getByRole("application").boundingBox())!;
    await page.mouse.move(map.x + map.width / 2, map.y + map.height / 2);
    for (let step = 0; step < 10; step++) await page.mouse.wheel(0, -150); // until pictures stand for the dots
    await expect
      .poll(() => page.locator("canvas").evaluate(({ dataset }) => Number(dataset.loaded)))
      .toBeGreaterThan(5);
    expect(errors).toEqual([]);
    // How long a task takes depends on the machine, so that it is told and not judged.
    console.log(`longest task with 10,000 pictures: ${Math.max(0, ...(await longTasks.jsonValue()))} ms`);
  });
});

describe("an index of more than ten thousand pictures", () => {
  it("is fetched page by page as one scrolls, each page once, and few of its pictures are in the document", async () => {
    const index = await startFakeIndex(service.url);
    try {
      const { page, errors } = await openPage(browser, { url: index.url });
      await page.getByText(`${indexedCount.toLocaleString("en")} pictures are indexed.`).waitFor();
      await search(page, "dog");
      await expect.poll(() => page.locator(".found strong").innerText()).toMatch(/^The best \d+$/);
      await expect
        .poll(async () => {
          await page.mouse.wheel(0, 4000);
          return index.searches.length;
        })
        .toBeGreaterThan(12);
      const offsets = index.searches.map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.map((_, at) => at * 60));
      await expect.poll(() => page.locator(".tile").count()).toBeLessThan(150);
      expect(errors).toEqual([]);
    } finally {
      index.stop();
    }
  });
});
