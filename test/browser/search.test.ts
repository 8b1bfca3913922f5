import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleQueries } from "../../web/src/search/example-queries.ts";
import { firstNames, launchBrowser, openPage, search } from "./support/browser.ts";
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

const hostile = `it's "quoted" $(echo no) \`id\` \\ 100% 🎈`;

describe("searching the drawings", () => {
  it("ranks as one types, without an error, a refusal by the policy or a request to elsewhere", async () => {
    const { page, errors, strangers } = await openPage(browser, { url: service.url });
    await expect.poll(() => firstNames(page, 2)).toEqual(["ant", "ant"]);
    await page.getByRole("textbox").pressSequentially("red apple", { delay: 20 });
    await page.locator("ul[aria-label='Results for red apple'] .tile-score").first().waitFor();
    await expect.poll(() => firstNames(page, 1)).toEqual(["red apple"]);
    await expect
      .poll(() => page.locator(".found").innerText())
      .toMatch(/pictures\s*encoded in [\d.]+ ms, ranked in [\d.]+ ms/);
    expect(errors).toEqual([]);
    expect(strangers).toEqual([]);
  });

  it("loads less than 150 kB before anyone searches, without the pictures", async () => {
    const { page } = await openPage(browser, { url: service.url });
    await firstNames(page, 1);
    const bytes = await page.evaluate(() => {
      const loads = [
        ...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource"),
      ] as PerformanceResourceTiming[]; // which both kinds of entry are
      return loads
        .filter(({ initiatorType }) => initiatorType !== "img")
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    });
    console.log(`first load: ${(bytes / 1000).toFixed(1)} kB`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(150_000);
  });

  it.each(exampleQueries)("answers the example $text with a drawing of: $finds", async ({ text, finds }) => {
    const { page, context } = await openPage(browser, { url: service.url });
    await page.getByRole("button", { name: text, exact: true }).click();
    await page.locator(".tile-score").first().waitFor();
    await expect.poll(() => firstNames(page, 3)).toContain(finds);
    await context.close();
  });

  it("finds more like a picture, and adds and subtracts", async () => {
    const { page } = await openPage(browser, { url: service.url });
    await search(page, "penguin");
    await page.locator(".tile").nth(3).hover();
    const name = (await firstNames(page, 4))[3]!;
    await page
      .getByRole("button", { name: `More like ${name}`, exact: true })
      .first()
      .click();
    await expect.poll(() => page.locator(".chip").count()).toBe(1);
    await expect.poll(() => firstNames(page, 1)).toEqual([name]);
    await page.getByRole("textbox").fill("black cat");
    await page.getByRole("button", { name: "Subtract", exact: true }).click();
    await expect.poll(() => page.locator(".chip.minus").count()).toBe(1);
    await page.getByLabel("Weight of black cat").selectOption("0.5");
    await expect.poll(() => page.url()).toContain("t=-0.5%3Ablack+cat");
    await page.getByRole("button", { name: "black cat is subtracted. Add it" }).click();
    await expect.poll(() => page.locator(".chip.minus").count()).toBe(0);
    await page.getByRole("button", { name: "Remove black cat" }).click();
    await expect.poll(() => page.locator(".chip").count()).toBe(1);
  });

  it("says so when plus and minus leave nothing", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#q=dog&t=-1:dog` });
    await page.getByRole("alert").filter({ hasText: "cancel each other out" }).waitFor();
  });

  it("hides weak results and folds near-duplicates on demand", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#q=butterfly` });
    await page.locator(".tile-score").first().waitFor();
    const folded = await page.locator(".found strong").innerText();
    await page.getByRole("checkbox", { name: "Fold duplicates" }).uncheck();
    await expect.poll(() => page.locator(".found strong").innerText()).toBe("436");
    expect(Number(folded)).toBeLessThan(436);
    await page.getByRole("slider", { name: "Hide weak" }).fill("95");
    await expect
      .poll(async () => Number((await page.locator(".found strong").innerText()).split(" ")[0]))
      .toBeLessThan(40);
  });
});

describe("a link to a state", () => {
  it("brings the query, the collection, the terms and the cut back", async () => {
    const { page } = await openPage(browser, { url: service.url });
    await page.getByRole("radio", { name: /^Photographs/ }).check();
    await search(page, hostile);
    await page.getByRole("slider", { name: "Hide weak" }).fill("50");
    await page.getByRole("button", { name: "Link" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    await expect.poll(() => page.url()).toContain("cut=50");
    const again = await openPage(browser, { url: page.url() });
    await expect.poll(() => again.page.getByRole("textbox").inputValue()).toBe(hostile);
    await again.page.getByRole("radio", { name: /^Photographs/, checked: true }).waitFor();
    await expect.poll(() => again.page.getByRole("slider", { name: "Hide weak" }).inputValue()).toBe("50");
  });

  it("is a step of its own for each view, which the back button undoes", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#q=dog` });
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByRole("heading", { name: "Compare pictures and sentences" }).waitFor();
    await page.goBack();
    await expect.poll(() => page.getByRole("textbox").inputValue()).toBe("dog");
  });
});

describe("taking results along", () => {
  it("gives code that runs as it is, whatever the query is", async () => {
    const { page } = await openPage(browser, { url: service.url });
    await search(page, hostile);
    await page.getByRole("button", { name: "Copy as code" }).click();
    const code = page.locator(".code-dialog pre");
    const replies: { dimensions: number; embedding: number[] }[] = [];
    replies.push(JSON.parse(execFileSync("sh", ["-c", await code.innerText()], { encoding: "utf8" })));
    await page.getByRole("radio", { name: "JavaScript" }).check();
    await expect.poll(() => code.innerText()).toContain("console.log(reply)");
    const script = (await code.innerText()).replace("console.log(reply)", "console.log(JSON.stringify(reply))");
    const node = ["--input-type=module", "-e", script];
    replies.push(JSON.parse(execFileSync(process.execPath, node, { encoding: "utf8" })));
    for (const reply of replies) expect(reply.dimensions).toBe(512);
    expect(replies[0]!.embedding).toEqual(replies[1]!.embedding);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await code.innerText());
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("dialog").count()).toBe(0);
  });

  it("gives the results as CSV and as JSON", async () => {
    const { page } = await openPage(browser, { url: `${service.url}#q=penguin&cut=80` });
    const save = async (name: string) => {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name, exact: true }).click();
      const saved = await download;
      return { name: saved.suggestedFilename(), text: readFileSync(await saved.path(), "utf8") };
    };
    const csv = await save("CSV");
    expect(csv.name).toBe("penguin.csv");
    expect(csv.text).toMatch(/^rank,name,score\r\n1,"penguin\.webp",0\.\d{6}\r\n/);
    const json = await save("JSON");
    expect(JSON.parse(json.text)).toMatchObject({ success: true, results: [{ path: "penguin.webp" }] });
  });
});

describe("the keyboard alone", () => {
  it("searches, goes through the grid, opens a picture and comes back", async () => {
    const { page, errors } = await openPage(browser, { url: service.url });
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
    await page.keyboard.press("/");
    await page.keyboard.type("penguin");
    await page.locator("ul[aria-label='Results for penguin'] .tile-score").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await expect.poll(focused).toMatch(/^penguin, rank 1, cosine 0\.\d{3}$/);
    await page.keyboard.press("ArrowRight");
    await expect.poll(focused).toContain("rank 2");
    await page.keyboard.press("End");
    await expect.poll(focused).toMatch(/rank 4\d\d/);
    await page.keyboard.press("Home");
    await expect.poll(focused).toContain("rank 1,");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "penguin.webp" }).waitFor();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.locator(".rank").innerText()).toContain("Rank 2");
    await Promise.all([page.keyboard.press("Escape"), page.keyboard.press("Tab")]); // as quickly as can be
    await expect.poll(focused).toBe("More like penguin");
    await expect.poll(() => page.locator("dialog").count()).toBe(0); // which must not take the focus with it
    expect(await focused()).toBe("More like penguin");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await expect.poll(focused).toContain("rank 1,");
    expect(errors).toEqual([]);
  });

  it("reaches everything in the order in which it is seen", async () => {
    const { page } = await openPage(browser, { url: service.url });
    await firstNames(page, 1); // which come last
    const names: string[] = [];
    for (let step = 0; step < 18; step++) {
      await page.keyboard.press("Tab");
      names.push(
        await page.evaluate(() =>
          (document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "").trim(),
        ),
      );
    }
    const order = ["Skip to the content", "Search", "Compare", "Map", "", "Search by picture", "red apple"];
    expect(names.slice(0, 7).map((name, at) => name.startsWith(order[at]!))).toEqual(order.map(() => true));
    expect(names.indexOf("Add pictures")).toBeGreaterThan(names.indexOf(exampleQueries.at(-1)!.text));
    expect(names.indexOf("ant")).toBeGreaterThan(names.indexOf("Add a folder"));
  });
});
