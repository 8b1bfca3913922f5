import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drop, encircle, launchBrowser, openPage, touch } from "./support/browser.ts";
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

describe("Compare", () => {
  it("shows at once which picture fits which sentence, and takes others of both", async () => {
    const { page, errors } = await openPage(browser, { url: `${service.url}#view=compare` });
    await page.locator(".cell.best").nth(3).waitFor();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(4);
    const apple = page.getByRole("row").filter({ has: page.getByRole("textbox", { name: "Sentence 1" }) });
    await expect.poll(() => apple.locator(".best").count()).toBe(1);

    await expect.poll(() => page.locator(".times").innerText()).toMatch(/^encoded in [\d.]+ ms$/);

    await page.getByRole("button", { name: "Add a sentence" }).click();
    await page.getByRole("textbox", { name: "Sentence 5" }).fill("ein Pinguin");
    await drop(page, [drawing("penguin")], "Compare these pictures");
    const row = page.getByRole("row").filter({ has: page.getByRole("textbox", { name: "Sentence 5" }) });
    await expect.poll(() => row.locator("td").last().innerText()).toMatch(/^0\.\d{3}/);
    await expect.poll(() => row.locator("td").last().getAttribute("class")).toContain("best");
    await page.getByRole("button", { name: "Remove sentence 1" }).click();
    await page.getByRole("button", { name: "Remove penguin.webp" }).click();
    await expect.poll(() => page.locator("tbody td").count()).toBe(4 * 4);

    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const text = readFileSync(await (await download).path(), "utf8");
    expect(text.split("\r\n")[0]).toMatch(/^sentence("[\w ]+\.webp"|,){8}$/);
    expect(text).toContain('"ein Pinguin",');
    const jsonDownload = page.waitForEvent("download");
    await page.getByRole("button", { name: "JSON" }).click();
    const saved = JSON.parse(readFileSync(await (await jsonDownload).path(), "utf8"));
    expect(saved.sentences.at(-1)).toBe("ein Pinguin");
    expect(saved.cosines).toHaveLength(saved.sentences.length);
    expect(saved.cosines.at(-1)).toHaveLength(saved.pictures.length);
    expect(errors).toEqual([]);
  });

  it("is linked to with its sentences and pictures", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#view=compare` });
    await page.locator(".cell.best").first().waitFor();
    await page.getByRole("textbox", { name: "Sentence 1" }).fill("a thing");
    await expect.poll(() => page.url()).toContain("s=a+thing");
    const again = await openPage(browser, { url: page.url() });
    await expect.poll(() => again.page.getByRole("textbox", { name: "Sentence 1" }).inputValue()).toBe("a thing");
    await expect.poll(() => again.page.locator(".compared-picture").count()).toBe(4);
  });
});

describe("Compare, by a link with sentences alone", () => {
  it("shows the sentences, which can be edited, and compares them with pictures that come later", async () => {
    const { page, errors } = await openPage(browser, { url: `${service.url}#view=compare&s=a+penguin&s=Hund` });
    await page.getByText("Drop the pictures to compare anywhere on this page.").waitFor();
    const sentence = page.getByRole("textbox", { name: "Sentence 2" });
    await expect.poll(() => sentence.inputValue()).toBe("Hund");
    await sentence.fill("ein Hund");
    await expect.poll(() => page.url()).toContain("s=ein+Hund");
    await drop(page, [drawing("penguin")], "Compare these pictures");
    await expect.poll(() => page.locator("td.cell.best").count()).toBe(1);
    await expect.poll(() => page.locator("tbody tr").first().locator(".best").count()).toBe(1);
    expect(await page.locator(".empty").count()).toBe(0);
    expect(errors).toEqual([]);
  });
});

describe("Map", () => {
  it("arranges the pictures, shows one under the pointer, and limits the grid to what is encircled", async () => {
    const { page, errors, strangers } = await openPage(browser, { url: `${service.url}#view=map` });
    const canvas = page.getByRole("application", { name: /^Map of 436 pictures/ });
    await canvas.waitFor();
    await encircle(canvas, [
      [0.01, 0.01],
      [0.99, 0.01],
      [0.99, 0.5],
      [0.01, 0.5],
    ]);
    const heading = page.getByRole("heading", { name: /^\d+ pictures encircled$/ });
    const count = Number.parseInt(await heading.innerText(), 10);
    expect(count).toBeGreaterThan(5);
    expect(count).toBeLessThan(436);
    await page.getByRole("button", { name: "Search among them" }).click();
    await page.getByRole("textbox").fill("penguin");
    await page.locator(".tile-score").first().waitFor();
    await page.getByRole("button", { name: `${count} encircled on the map` }).waitFor();
    expect(errors).toEqual([]);
    expect(strangers).toEqual([]);
  });

  it("gives code for the pictures that are encircled, or for the first of them all", async () => {
    const { page, errors } = await openPage(browser, { url: `${service.url}#view=map` });
    const code = page.locator(".code-dialog pre");
    await page.getByRole("button", { name: "Copy as code" }).click();
    await page.getByText("The first 16 of 436 pictures.").waitFor();
    expect((await code.innerText()).match(/base64 < '[\w-]+\.webp'/g)).toHaveLength(16);
    await page.keyboard.press("Escape");

    const canvas = page.getByRole("application", { name: /^Map of 436 pictures/ });
    await canvas.focus();
    await page.keyboard.press("ArrowDown");
    await page.locator(".map-tip bdi").waitFor();
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "1 picture encircled" }).waitFor();
    await page.getByRole("button", { name: "Copy as code" }).click();
    await expect.poll(() => code.innerText()).toMatch(/encode_image' \\\n.*\n {2}--data-binary '@[\w-]+\.webp'$/);
    expect(errors).toEqual([]);
  });

  it("gives code that runs for pictures of one's own", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#view=map&in=own` });
    await page.getByText("Search your own pictures").waitFor();
    const own = ["penguin", "crown", "rocket"].map((name) => drawing(name, `my ${name}'s.webp`));
    await drop(page, own, "Add to your pictures");
    await page.getByRole("application", { name: /^Map of 3 pictures/ }).waitFor();
    await page.getByRole("button", { name: "Copy as code" }).click();
    const folder = mkdtempSync(join(tmpdir(), "map-code-"));
    try {
      for (const { name, bytes } of own) writeFileSync(join(folder, name), bytes);
      const script = await page.locator(".code-dialog pre").innerText();
      const reply = JSON.parse(execFileSync("sh", ["-c", script], { encoding: "utf8", cwd: folder }));
      expect(reply.embeddings).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is zoomed and moved with fingers on a phone, which also encircle and tap, and the page stays where it is", async () => {
    const { page, errors } = await openPage(browser, { url: `${service.url}#view=map`, isPhone: true });
    const canvas = page.getByRole("application", { name: /^Map of 436 pictures/ });
    await page.locator("canvas[data-loaded='436']").waitFor();
    await canvas.scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate(() => scrollY);
    const zoomOut = page.getByRole("button", { name: "Zoom out" });
    await expect.poll(() => zoomOut.isDisabled()).toBe(true);
    await touch(canvas, [
      [
        [0.4, 0.5],
        [0.2, 0.5],
      ],
      [
        [0.6, 0.5],
        [0.8, 0.5],
      ],
    ]);
    await expect.poll(() => zoomOut.isDisabled()).toBe(false);
    const drawn = () => canvas.evaluate((element: HTMLCanvasElement) => element.toDataURL());
    const before = await drawn();
    await touch(canvas, [
      [
        [0.5, 0.5],
        [0.7, 0.7],
      ],
    ]);
    await expect.poll(drawn).not.toBe(before);

    await page.getByText("Encircle", { exact: true }).click();
    await touch(canvas, [
      [
        [0.05, 0.2],
        [0.95, 0.2],
        [0.95, 0.8],
        [0.05, 0.8],
      ],
    ]);
    await page.getByRole("heading", { name: /^\d+ pictures? encircled$/ }).waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(scrolled);
    await touch(canvas, [[[0.5, 0.5]]]);
    await expect
      .poll(() => page.locator("dialog, .map-view:not(:has(h2))").count()) // a picture opens, or a tap beside all clears
      .toBe(1);
    expect(errors).toEqual([]);
  });

  it("is walked through with the arrow keys", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#view=map` });
    const canvas = page.getByRole("application", { name: /^Map of 436 pictures/ });
    await canvas.focus();
    await page.keyboard.press("ArrowDown");
    const tip = page.locator(".map-tip bdi");
    /** Goes to another picture. At the edge of the map there is none in some of the directions. */
    const goOn = async () => {
      const before = await tip.innerText();
      await expect
        .poll(async () => {
          for (const key of ["ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight"]) {
            await page.keyboard.press(key);
            if ((await tip.innerText()) !== before) break;
          }
          return tip.innerText();
        })
        .not.toBe(before);
    };
    await goOn();
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "1 picture encircled" }).waitFor();
    await goOn();
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "2 pictures encircled" }).waitFor();
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "1 picture encircled" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
  });
});
