import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";

/**
 * The shell comes first. It is Chromium without tabs and toolbar, which the others load anew for each page, though nobody
 * sees them: that takes a second of a core.
 */
const places = [
  process.env.CHROMIUM,
  ...["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`),
];

/** What is waited for comes at once, unless the machine is busy. */
export const patienceMs = 60_000;

export async function launchBrowser(): Promise<Browser> {
  const executablePath = places.find((place) => place !== undefined && existsSync(place));
  if (!executablePath) throw new Error("No Chromium: apt-get install chromium-headless-shell, or set CHROMIUM to one.");
  const isRoot = process.getuid?.() === 0; // as which Chromium's sandbox does not start
  // Debian's Chromium wants pages drawn by a GPU, which the processor would have to emulate.
  return chromium.launch({ executablePath, args: ["--disable-gpu", ...(isRoot ? ["--no-sandbox"] : [])] });
}

export interface OpenedPage {
  page: Page;
  context: BrowserContext;
  /** What a developer would see in red, refusals by the policy among it. */
  errors: string[];
  /** Lists requests that went to another origin. */
  strangers: string[];
}

export interface PageOptions {
  url: string;
  isPhone?: boolean;
  isDark?: boolean;
  width?: number;
  height?: number;
}

export async function openPage(browser: Browser, options: PageOptions): Promise<OpenedPage> {
  const { url, isPhone = false, isDark = false, width = isPhone ? 390 : 1280, height = isPhone ? 844 : 860 } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: isDark ? "dark" : "light",
    isMobile: isPhone,
    hasTouch: isPhone,
    reducedMotion: "reduce",
    acceptDownloads: true,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const errors: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    const address = new URL(request.url());
    if (address.protocol.startsWith("http") && address.origin !== new URL(url).origin) strangers.push(request.url());
  });
  await page.goto(url);
  await page.locator(".lamp.ready, .key-form, .lamp.gone").first().waitFor({ state: "attached" });
  return { page, context, errors, strangers };
}

/** Whether this is what Chromium itself prints for an answer that is no success, which no page can avoid. */
export const isAboutAnswers = (error: string) => error.startsWith("Failed to load resource");

/** The names of the first pictures of the grid, best first. */
export async function firstNames(page: Page, count: number): Promise<string[]> {
  await page.locator(".tile-picture[data-index='0']").waitFor();
  const names = await page.locator(".tile").evaluateAll((tiles) =>
    tiles.map((tile) => ({
      index: Number(tile.querySelector<HTMLElement>(".tile-picture")!.dataset.index),
      name: tile.querySelector(".tile-name")!.textContent ?? "",
    })),
  );
  return names
    .sort((a, b) => a.index - b.index)
    .slice(0, count)
    .map(({ name }) => name);
}

/** Waits until the grid shows the answer to a query. */
export async function search(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Describe what you are looking for" }).fill(text);
  await page.getByRole("list", { name: `Results for ${text}`, exact: true }).waitFor();
  await page.locator(".tile-score").first().waitFor();
  await page.locator(".query-row:not(.busy)").waitFor();
}

export interface DroppedFile {
  name: string;
  type: string;
  bytes: Buffer;
}

/** Drags files over the page and drops them on the zone with this title. */
export async function drop(page: Page, files: DroppedFile[], zone: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    (given) => {
      const transfer = new DataTransfer();
      for (const { name, type, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
      }
      return transfer;
    },
    files.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString("base64") })),
  );
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  await page.dispatchEvent(`[data-drop="${zone}"]`, "drop", { dataTransfer: transfer });
}

/** Drags files or folders of the disk over the page and drops them on the zone with this title, as a person does. */
export async function dropFromDisk(page: Page, paths: string[], zone: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  await session.send("Input.dispatchDragEvent", { type: "dragEnter", x: 10, y: 10, data });
  const box = (await page.locator(`[data-drop="${zone}"]`).boundingBox())!;
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await session.send("Input.dispatchDragEvent", { type: "dragOver", ...place, data });
  await session.send("Input.dispatchDragEvent", { type: "drop", ...place, data });
}

/** Draws a closed line on the map with the pointer; its corners are parts of the map's width and height. */
export async function encircle(canvas: Locator, corners: [number, number][]): Promise<void> {
  await canvas.evaluate((element) => element.scrollIntoView({ block: "center" }));
  const box = (await canvas.boundingBox())!;
  const mouse = canvas.page().mouse;
  const [start, ...rest] = [...corners, corners[0]!].map(
    ([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const,
  );
  await mouse.move(...start!);
  await mouse.down();
  for (const point of rest) await mouse.move(...point, { steps: 5 });
  await mouse.up();
}

/** Moves fingers over an element, each along its places, which are parts of the element's width and height. */
export async function touch(element: Locator, fingers: [number, number][][]): Promise<void> {
  const box = (await element.boundingBox())!;
  const session = await element.page().context().newCDPSession(element.page());
  const send = (type: "touchStart" | "touchMove" | "touchEnd", places: [number, number][]) => {
    const points = places.map(([x, y], id) => ({ x: box.x + x * box.width, y: box.y + y * box.height, id }));
    return session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  };
  await send(
    "touchStart",
    fingers.map(([start]) => start!),
  );
  for (let at = 1; at < fingers[0]!.length; at++) {
    for (let part = 0.25; part <= 1; part += 0.25) {
      const between = (places: [number, number][], axis: 0 | 1) =>
        places[at - 1]![axis] * (1 - part) + places[at]![axis] * part;
      await send(
        "touchMove",
        fingers.map((places) => [between(places, 0), between(places, 1)]),
      );
    }
  }
  await send("touchEnd", []);
}
