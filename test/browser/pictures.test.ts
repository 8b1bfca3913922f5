import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drop, dropFromDisk, firstNames, isAboutAnswers, launchBrowser, openPage, search } from "./support/browser.ts";
import { brokenHeic, drawing, heic, stripes } from "./support/pictures.ts";
import { type RunningService, startService } from "./support/service.ts";

let service: RunningService;
let browser: Browser;
/** A folder with four pictures, one of them in a folder of its own, and with what is no picture. */
let holidays: string;

beforeAll(async () => {
  holidays = join(mkdtempSync(join(tmpdir(), "browser-folder-")), "holidays");
  const tiff = await stripes("scan.tiff", { width: 300, height: 200, format: "tiff" });
  const files = [drawing("crown"), drawing("penguin", "day 2/penguin.webp"), heic, tiff];
  const others = ["notes.txt", ".DS_Store", "day 2/._penguin.webp", "day 2/@eaDir/penguin.webp"];
  for (const { name, bytes } of [...files, ...others.map((name) => ({ name, bytes: Buffer.from("no picture") }))]) {
    mkdirSync(dirname(join(holidays, name)), { recursive: true });
    writeFileSync(join(holidays, name), bytes);
  }
  [service, browser] = await Promise.all([startService(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(dirname(holidays), { recursive: true, force: true });
});

const hostileName = `<img src=x onerror=alert(1)> "quote" & a name so long that it never fits ${"x".repeat(80)}.webp`;

describe("pictures of one's own", () => {
  it("are dropped, encoded and searched; what cannot be drawn or encoded is said so by name", async () => {
    const { page, errors, strangers } = await openPage(browser, { url: service.url });
    const wide = await stripes("very wide.jpg", { width: 3000, height: 120, format: "jpeg" });
    const tall = await stripes("very tall.jpg", { width: 120, height: 3000, format: "jpeg" });
    const tiff = await stripes("scan.tiff", { width: 300, height: 200, format: "tiff" });
    const notes = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("no picture") };
    const files = [drawing("penguin"), drawing("umbrella", hostileName), wide, tall, tiff, brokenHeic, notes];
    await drop(page, files, "Add to your pictures");
    await page.getByText("1 picture could not be encoded").waitFor();
    await page.getByRole("radio", { name: /^Your pictures 6/, checked: true }).waitFor();
    await page.getByText("1 picture could not be encoded").click();
    expect(await page.locator(".failures li").innerText()).toMatch(/^IMG_0815\.HEIC: ./);

    await search(page, "umbrella");
    await expect.poll(() => firstNames(page, 1)).toEqual([hostileName]);
    await page.getByRole("checkbox", { name: "Fold duplicates" }).uncheck(); // the stripes are like each other
    await expect.poll(() => page.locator(".tile").count()).toBe(5);
    const undrawable = page.locator(".tile", { hasText: "scan.tiff" });
    await expect.poll(() => undrawable.locator(".no-picture").getAttribute("data-format")).toBe("TIFF");
    expect(errors.filter((error) => !isAboutAnswers(error))).toEqual([]);
    expect(strangers).toEqual([]);
  });

  it("are missed, in words, when what was dropped holds none", async () => {
    const { page, errors } = await openPage(browser, { url: service.url });
    const notes = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("no picture") };
    const note = page.getByRole("alert").filter({ hasText: "There is no picture in what was dropped." });
    for (const zone of ["Add to your pictures", "Search with this picture"]) {
      await drop(page, [notes], zone);
      await note.waitFor();
      await note.getByRole("button", { name: "Close" }).click();
      await note.waitFor({ state: "detached" });
    }
    expect(errors).toEqual([]);
  });

  it("search for others of their kind when dropped on the search, and when pasted", async () => {
    const { page } = await openPage(browser, { url: service.url });
    await drop(page, [drawing("rocket", "my rocket.webp")], "Search with this picture");
    await expect.poll(() => firstNames(page, 1)).toEqual(["rocket"]);
    await expect.poll(() => page.locator(".chip-name").innerText()).toBe("my rocket.webp");

    const { bytes, type } = drawing("penguin");
    await page.evaluate(
      ({ base64, type }) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([bytes], "image.webp", { type }));
        dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
      },
      { base64: bytes.toString("base64"), type },
    );
    await expect.poll(() => firstNames(page, 1)).toEqual(["penguin"]);
  });

  it("come from a dropped folder with everything in it: HEIC and TIFF are encoded though the browser cannot draw them", async () => {
    const { page, errors } = await openPage(browser, { url: service.url });
    await dropFromDisk(page, [holidays], "Add to your pictures");
    await page.getByRole("radio", { name: /^Your pictures 4/, checked: true }).waitFor();
    await page.locator(".encoding").waitFor({ state: "detached" });
    expect(await page.locator(".failures").count()).toBe(0);
    await search(page, "crown");
    const sorted = async () => (await firstNames(page, 5)).sort();
    await expect.poll(sorted).toEqual([heic.name, "crown.webp", "penguin.webp", "scan.tiff"]);
    await expect.poll(() => firstNames(page, 1)).toEqual(["crown.webp"]);
    for (const [name, format] of [
      [heic.name, "HEIC"],
      ["scan.tiff", "TIFF"],
    ]) {
      const tile = page.locator(".tile", { hasText: name! });
      await expect.poll(() => tile.locator(".no-picture").getAttribute("data-format")).toBe(format);
      await expect.poll(() => tile.locator(".tile-score").innerText()).toMatch(/^-?0\.\d{3}$/);
    }
    await page.getByRole("button", { name: /^penguin\.webp, rank/ }).click();
    await expect.poll(() => page.locator(".path").innerText()).toBe("holidays/day 2");
    expect(errors).toEqual([]);
  });

  it("come from a chosen folder with their paths, without what systems leave behind", async () => {
    const { page } = await openPage(browser, { url: service.url });
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Add a folder" }).click();
    await (await chooser).setFiles(holidays);
    await page.getByRole("radio", { name: /^Your pictures 4/, checked: true }).waitFor();
    await page.locator(".encoding").waitFor({ state: "detached" });
    await search(page, "penguin");
    await expect.poll(() => firstNames(page, 1)).toEqual(["penguin.webp"]);
    await page.locator(".tile-picture").first().click();
    await expect.poll(() => page.locator(".path").innerText()).toBe("holidays/day 2");
  });

  it("come from chosen files", async () => {
    const { page } = await openPage(browser, { url: service.url });
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Add pictures" }).click();
    const files = [drawing("crown"), drawing("penguin")].map(({ name, type, bytes }) => ({
      name,
      mimeType: type,
      buffer: bytes,
    }));
    await (await chooser).setFiles(files);
    await page.getByRole("radio", { name: /^Your pictures 2/ }).waitFor();
    await page.locator(".encoding").waitFor({ state: "detached" });
    await search(page, "crown");
    await expect.poll(() => firstNames(page, 1)).toEqual(["crown.webp"]);
    await page.locator(".tile-picture").first().click();
    await expect.poll(() => page.locator(".details").innerText()).toMatch(/^256 × 256, \d+ kB$/);
  });

  it("are encoded in the end by a service that says it is asked too often", async () => {
    const limited = await startService({ RATE_LIMIT: "6" }); // one in ten seconds, so that a slow machine is refused as well
    try {
      const { page } = await openPage(browser, { url: limited.url });
      const files = Array.from({ length: 8 }, (_, index) => drawing("penguin", `penguin ${index}.webp`));
      await drop(page, files, "Add to your pictures");
      await page.getByText(/The service is busy; going on in \d+ s/).waitFor();
      await page.locator(".encoding").waitFor({ state: "detached" });
      expect(await page.locator(".failures, .own-state .notice").count()).toBe(0);
    } finally {
      await limited.stop();
    }
  });

  it("can be stopped, and go on where they were", async () => {
    const limited = await startService({ RATE_LIMIT: "10" });
    try {
      const { page } = await openPage(browser, { url: limited.url });
      const files = Array.from({ length: 30 }, (_, index) => drawing("penguin", `penguin ${index}.webp`));
      await drop(page, files, "Add to your pictures");
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByText(/\d+ pictures are not encoded yet/).waitFor();
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByRole("progressbar").waitFor();
    } finally {
      await limited.stop();
    }
  });
});
