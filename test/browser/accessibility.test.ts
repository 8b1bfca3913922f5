import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drop, launchBrowser, openPage } from "./support/browser.ts";
import { brokenHeic, drawing } from "./support/pictures.ts";
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

interface Finding {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

async function findings(page: Page): Promise<string[]> {
  // Another scheme fades in, and colours on their way have contrasts of neither.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as { violations: Finding[] }; // the shape that axe documents
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

/** Each shows the page in a state that it can be in. */
const states: { name: string; hash: string; show?: (page: Page) => Promise<unknown> }[] = [
  { name: "at the start", hash: "" },
  {
    name: "with results",
    hash: "#q=dog&t=-0.5:grass&t=1@none",
    show: (page) => page.locator(".tile-score").first().waitFor(),
  },
  {
    name: "with a picture open",
    hash: "#q=penguin",
    show: async (page) => {
      await page.locator(".tile-score").first().waitFor();
      await page.locator(".tile-picture").first().click();
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "with code",
    hash: "#q=penguin",
    show: async (page) => {
      await page.getByRole("button", { name: "Copy as code" }).click();
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "with pictures of one's own and a failure",
    hash: "#in=own",
    show: async (page) => {
      await page.getByText("Drop pictures or a folder anywhere on this page").waitFor();
      await drop(page, [drawing("crown"), brokenHeic], "Add to your pictures");
      await page.getByText("1 picture could not be encoded").click();
    },
  },
  { name: "without pictures of one's own", hash: "#in=own" },
  { name: "comparing", hash: "#view=compare", show: (page) => page.locator(".cell.best").first().waitFor() },
  { name: "as a map", hash: "#view=map", show: (page) => page.getByRole("application").waitFor() },
];

describe.each([
  { device: "a desktop", isPhone: false },
  { device: "a phone", isPhone: true },
])("the page on $device", ({ isPhone }) => {
  it.each(states)("has nothing that axe finds $name, light and dark", async ({ hash, show }) => {
    const { page, context } = await openPage(browser, { url: service.url + hash, isPhone });
    await show?.(page);
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme }); // which nothing but the style sheets asks for
      expect(await page.evaluate((scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches, scheme)).toBe(
        true,
      );
      expect(await findings(page)).toEqual([]);
    }
    await context.close();
  });

  it("is no wider than the window", async () => {
    for (const { hash, show } of states) {
      const { page, context } = await openPage(browser, {
        url: service.url + hash,
        isPhone,
        ...(isPhone && { width: 340 }),
      });
      await show?.(page);
      const width = () => page.evaluate(() => document.documentElement.scrollWidth);
      await expect.poll(width, { message: hash }).toBeLessThanOrEqual(page.viewportSize()!.width);
      await context.close();
    }
  });
});
