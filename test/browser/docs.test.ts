import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, patienceMs } from "./support/browser.ts";
import { type RunningService, startService } from "./support/service.ts";

let browser: Browser;
let service: RunningService;

beforeAll(async () => {
  [browser, service] = await Promise.all([launchBrowser(), startService({ API_KEYS: "secret-key", PAGE: "off" })]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

describe("the API document as a page", () => {
  it("shows each route and tries it with a key, without a complaint or a request to anybody else", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(patienceMs);
    const errors: string[] = [];
    const strangers: string[] = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith("http") && `${origin}/` !== service.url) strangers.push(request.url());
    });
    await page.goto(`${service.url}docs`);
    await page.getByRole("heading", { name: /Image-Text Encoder/ }).waitFor();
    const { paths } = await (await fetch(`${service.url}openapi.json`)).json();
    const routes = Object.values<object>(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
    await expect.poll(() => page.locator(".opblock").count()).toBe(routes);

    await page.getByRole("button", { name: "Authorize" }).first().click();
    await page.locator("#auth-bearer-value").fill("secret-key");
    await page.getByRole("button", { name: "Apply credentials" }).first().click();
    await page.locator(".btn-done").first().click();
    const block = page.locator(".opblock", { has: page.locator('[data-path="/encode_text"]') });
    await block.locator(".opblock-summary-control").click();
    await block.getByRole("button", { name: "Execute" }).click();
    await block.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
    expect({ errors, strangers }).toEqual({ errors: [], strangers: [] });
  });
});
