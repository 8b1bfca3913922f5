import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import gallery from "../../web/gallery/pictures.json" with { type: "json" };
import {
  drop,
  encircle,
  firstNames,
  isAboutAnswers,
  launchBrowser,
  type OpenedPage,
  openPage,
  search,
} from "./support/browser.ts";
import { createTestIndex, type TestIndex } from "./support/picture-index.ts";
import { drawing } from "./support/pictures.ts";
import { type RunningService, startService } from "./support/service.ts";

let index: TestIndex;
let service: RunningService;
let browser: Browser;

const added = "penguin";
/** More than two of the pages in which the page fetches results. */
const count = 130;
const names = new Set(["red apple", "airplane", ...gallery.map(({ name }) => name).filter((name) => name !== added)]);

beforeAll(async () => {
  index = createTestIndex();
  await index.add([...names].slice(0, count).map((name) => drawing(name, `drawings/${name}.webp`)));
  // With keys, so that the index, its pictures and its map are shown to work with them.
  service = await startService({ INDEX: index.directory, API_KEYS: "secret-key" });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  index?.remove();
});

async function openWithKey(hash = ""): Promise<OpenedPage> {
  const opened = await openPage(browser, { url: service.url + hash });
  await opened.page.locator("#api-key").fill("secret-key");
  await opened.page.getByRole("button", { name: "Use it" }).click();
  await opened.page.locator(".lamp.ready").waitFor();
  return opened;
}

/** The bodies that POST /search was asked with. */
function searchesOf(page: Page): Record<string, unknown>[] {
  const bodies: Record<string, unknown>[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/search") bodies.push(request.postDataJSON());
  });
  return bodies;
}

describe("the index of a service", () => {
  it("is what is searched first, page by page as one scrolls, with its pictures", async () => {
    const { page, errors, strangers } = await openWithKey();
    const searches = searchesOf(page);
    await page.getByText(`${count} pictures are indexed.`).waitFor();
    await page.getByRole("list", { name: "Pictures" }).getByRole("button").first().waitFor(); // some, before one asks
    await search(page, "red apple");
    await expect.poll(() => firstNames(page, 1)).toEqual(["red apple.webp"]);
    expect(searches.at(-1)).toEqual({ text: "red apple", limit: 60, offset: 0 });
    await expect
      .poll(() =>
        page
          .locator(".tile img")
          .first()
          .evaluate((image: HTMLImageElement) => image.naturalWidth),
      )
      .toBe(256);
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 3000);
        return page.locator(".found strong").innerText();
      })
      .toBe(String(count));
    await expect.poll(() => searches.map(({ offset }) => offset)).toEqual(expect.arrayContaining([60, 120]));
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator(".tile-picture[data-index='0']").click();
    await expect.poll(() => page.locator(".path").innerText()).toBe("drawings");
    await page.getByRole("img", { name: "red apple.webp" }).waitFor();
    expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
    expect(strangers).toEqual([]);
  });

  it("finds more like one of its pictures, like a dropped one, and by plus and minus", async () => {
    const { page } = await openWithKey("#q=red apple");
    const searches = searchesOf(page);
    await page.locator(".tile-score").first().waitFor();
    await page.locator(".tile").first().hover();
    await page.getByRole("button", { name: "More like red apple.webp" }).click();
    await expect.poll(() => searches.at(-1)).toHaveProperty("image_b64");
    await expect.poll(() => firstNames(page, 1)).toEqual(["red apple.webp"]);

    await page.getByRole("textbox").fill("black cat");
    await page.getByRole("button", { name: "Subtract", exact: true }).click();
    const text = { text: "black cat", weight: -1 };
    await expect.poll(() => searches.at(-1)?.query).toEqual([{ b64: expect.any(String), weight: 1 }, text]);
    await page.getByRole("button", { name: "Copy as code" }).click();
    await expect.poll(() => page.locator(".code-dialog pre").innerText()).toContain(`${service.url}search' \\`);
    await page.keyboard.press("Escape");

    await drop(page, [drawing("airplane", "mine.webp")], "Search with this picture");
    await expect.poll(() => searches.at(-1)?.image_b64).toBe(drawing("airplane").bytes.toString("base64"));
    await expect.poll(() => firstNames(page, 1)).toEqual(["airplane.webp"]);
  });

  it("is mapped, and searched within what was encircled", async () => {
    const { page, errors } = await openWithKey("#view=map");
    const canvas = page.getByRole("application", { name: `Map of ${count} pictures.` });
    await canvas.waitFor();
    await page.locator(`canvas[data-loaded="${count}"]`).waitFor();
    await encircle(canvas, [
      [0.01, 0.01],
      [0.99, 0.01],
      [0.99, 0.99],
      [0.01, 0.99],
    ]);
    await page.getByRole("heading", { name: `${count} pictures encircled` }).waitFor();
    await page.getByRole("button", { name: "Search among them" }).click();
    const searches = searchesOf(page);
    await search(page, "red apple");
    await expect.poll(() => firstNames(page, 1)).toEqual(["red apple.webp"]);
    expect(searches).toEqual([]); // the page has the vectors of what is on the map
    await page.getByRole("button", { name: `${count} encircled on the map` }).click();
    await expect.poll(() => searches.length).toBe(1);
    expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
  });

  it("shows what was added to it meanwhile", async () => {
    const { page } = await openWithKey();
    await page.getByText(`${count} pictures are indexed.`).waitFor();
    await index.add([drawing(added, `later/${added}.webp`)]);
    await search(page, added);
    await expect.poll(() => firstNames(page, 1)).toEqual([`${added}.webp`]);
    await page.getByRole("button", { name: "Clear the search" }).click();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // as when one comes back to the tab
    await page.getByText(`${count + 1} pictures are indexed.`).waitFor();
  });
});

describe("an index whose service goes away", () => {
  it("keeps what was found, and answers when it is back, with the pictures that did not come", async () => {
    const serve = (port: string) => startService({ INDEX: index.directory, PORT: port });
    const away = await serve("0");
    const { page, errors } = await openPage(browser, { url: away.url });
    await search(page, "red apple");
    await expect.poll(() => firstNames(page, 1)).toEqual(["red apple.webp"]);
    await away.stop();
    await page.getByRole("textbox").fill("airplane");
    await page.getByText("The service does not answer.").waitFor();
    await page.locator(".found", { hasText: "pictures for red apple" }).waitFor();
    expect(await firstNames(page, 1)).toEqual(["red apple.webp"]);
    await page.mouse.wheel(0, 1500); // where pictures are wanted that nobody can give now
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await page.getByRole("heading", { name: "Map" }).waitFor();
    await page.goBack();

    const back = await serve(new URL(away.url).port);
    try {
      await page.locator(".lamp.ready").waitFor();
      await page.getByText("The service does not answer.").waitFor({ state: "detached" });
      await page.getByRole("list", { name: "Results for airplane", exact: true }).waitFor();
      await expect.poll(() => firstNames(page, 1)).toEqual(["airplane.webp"]);
      await page.locator(".tile img").first().waitFor();
      await expect.poll(() => page.locator(".no-picture, .picture-pending").count()).toBe(0);
      await page.getByRole("button", { name: "Map", exact: true }).click();
      await page.getByRole("application", { name: /^Map of \d+ pictures/ }).waitFor();
      expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
    } finally {
      await back.stop();
    }
  });
});

describe("an index of nothing, and of one picture", () => {
  it("says how it is filled, and shows and finds what was added", async () => {
    const small = createTestIndex();
    await small.add([]);
    const service = await startService({ INDEX: small.directory });
    try {
      const { page, errors } = await openPage(browser, { url: service.url });
      await page.getByText("Nothing is indexed yet").waitFor();
      await page.getByRole("button", { name: "Map", exact: true }).click();
      await page.getByText("Nothing is indexed yet").waitFor();
      await page.goBack();
      await small.add([drawing("crown")]);
      await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // as when one comes back to the tab
      await page.getByText("1 picture is indexed.").waitFor();
      await search(page, "crown");
      await expect.poll(() => page.locator(".found strong").innerText()).toBe("1");
      await page.getByRole("button", { name: "Map", exact: true }).click();
      await page.getByRole("application", { name: /^Map of 1 picture\./ }).waitFor();
      expect(errors).toEqual([]);
    } finally {
      await service.stop();
      small.remove();
    }
  });
});
