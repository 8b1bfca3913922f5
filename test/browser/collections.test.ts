import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drop, firstNames, launchBrowser, openPage, search } from "./support/browser.ts";
import { type FakeService, startFakeIndex } from "./support/fake-index.ts";
import { drawing } from "./support/pictures.ts";
import { type RunningService, startService } from "./support/service.ts";

let service: RunningService;
let index: FakeService;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
  index = await startFakeIndex(service.url, (count) => vectorOf(count));
});
afterAll(async () => {
  await browser?.close();
  index?.stop();
  await service?.stop();
});

/** A vector of unit length that differs with the number. */
function vectorOf(number: number): number[] {
  const values = Array.from({ length: 512 }, (_, at) => Math.sin(number * 12.9898 + at * 78.233));
  const length = Math.hypot(...values);
  return values.map((value) => Number((value / length).toFixed(4)));
}

describe("the index of a service", () => {
  it("is what is searched first, page by page as one scrolls", async () => {
    const { page, errors } = await openPage(browser, { url: index.url });
    await page.getByText("12,345 pictures are indexed.").waitFor();
    await search(page, "penguin");
    expect((await firstNames(page, 1))[0]).toBe("IMG_0.jpg");
    expect(index.searches.at(0)).toEqual({ text: "penguin", limit: 60, offset: 0 });
    await page.mouse.wheel(0, 6000);
    await expect.poll(() => index.searches.map(({ offset }) => offset)).toContain(60);
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator(".tile-picture").first().click();
    expect(await page.locator(".path").innerText()).toBe("holidays/2025");
    expect(errors).toEqual([]);
  });

  it("is asked with weights for several terms, and with the bytes for a picture", async () => {
    const { page } = await openPage(browser, { url: `${index.url}#q=dog&t=-0.5:grass` });
    await page.locator(".tile-score").first().waitFor();
    expect(index.searches.at(-1)).toMatchObject({
      query: [
        { text: "dog", weight: 1 },
        { text: "grass", weight: -0.5 },
      ],
    });
    await drop(page, [drawing("rocket")], "Search with this picture");
    await expect.poll(() => index.searches.at(-1)?.image_b64).toBe(drawing("rocket").bytes.toString("base64"));
  });

  it("copies its search as code", async () => {
    const { page } = await openPage(browser, { url: `${index.url}#q=dog` });
    await page.locator(".tile-score").first().waitFor();
    await page.getByRole("button", { name: "Copy as code" }).click();
    expect(await page.locator(".code-dialog pre").innerText()).toContain(`search' \\`);
  });
});

describe("ten thousand pictures", () => {
  it("are dropped, encoded, searched and scrolled without a long stop", { timeout: 240_000 }, async () => {
    const { page } = await openPage(browser, { url: `${index.url}#in=drawings` });
    const { bytes } = drawing("red apple");
    const transfer = await page.evaluateHandle((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      for (let number = 0; number < 10_000; number++) {
        transfer.items.add(new File([bytes], `IMG_${number}.webp`, { type: "image/webp" }));
      }
      return transfer;
    }, bytes.toString("base64"));
    await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
    await page.dispatchEvent("[data-drop='Add to your pictures']", "drop", { dataTransfer: transfer });
    await page.getByRole("radio", { name: /^Your pictures 10,000/ }).waitFor();
    await page.locator(".encoding").waitFor({ state: "detached", timeout: 180_000 });

    const longTasks = await page.evaluateHandle(() => {
      const found: number[] = [];
      new PerformanceObserver((list) => found.push(...list.getEntries().map(({ duration }) => duration))).observe({
        type: "longtask",
      });
      return found;
    });
    await search(page, "penguin");
    for (let step = 0; step < 30; step++) await page.mouse.wheel(0, 900);
    await page.keyboard.press("End");
    await page.locator(".tile").first().waitFor();
    expect(await page.locator(".found strong").innerText()).toMatch(/^(10,000|9,\d{3})$/);
    expect(await page.locator(".tile").count()).toBeLessThan(150);
    // How long a task takes depends on the machine, so that it is told and not judged.
    console.log(`longest task with 10,000 pictures: ${Math.max(0, ...(await longTasks.jsonValue()))} ms`);
  });
});
