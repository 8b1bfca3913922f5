import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/checkpoints.ts";
import { pixelPng } from "../support/pixel.ts";
import { startCli } from "../support/run-cli.ts";

/**
 * Runs in every thread of the service before its own code: the wall clock jumps a day ahead and back all the time.
 */
const jumpingClock = `
  const day = 86_400_000;
  const RealDate = Date;
  let ahead = true;
  const jumped = () => RealDate.now() + ((ahead = !ahead) ? day : -day);
  globalThis.Date = class extends RealDate {
    constructor(...args) { super(...(args.length > 0 ? args : [jumped()])); }
    static now() { return jumped(); }
  };
`;

describe("a wall clock that jumps", () => {
  it("changes no answer, no deadline and no health", async () => {
    const file = join(await temporaryFolder(), "jumping-clock.mjs");
    writeFileSync(file, jumpingClock);
    const env = { NODE_OPTIONS: `--import=${file}`, REQUEST_TIMEOUT_MS: "20000", RATE_LIMIT: "1000000" };
    const { says, output, child, ended } = startCli(["serve", "--port", "0", "--host", "127.0.0.1"], env);
    const [url] = await says(/http:\/\/127\.0\.0\.1:\d+/).then((line) => [line]);
    const statuses = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const json = { "content-type": "application/json" };
      const replies = await Promise.all([
        fetch(`${url}/encode_text`, { method: "POST", headers: json, body: JSON.stringify({ text: `a ${i}` }) }),
        fetch(`${url}/encode_image`, {
          method: "POST",
          headers: { "content-type": "image/png" },
          body: Buffer.concat([pixelPng, Buffer.of(i)]),
        }),
        fetch(`${url}/health`),
      ]);
      for (const { status } of replies) statuses.add(status);
      await sleep(10);
    }
    expect([...statuses]).toEqual([200]);
    const days = new Set(output().match(/(?<="time":")\d{4}-\d\d-\d\d/g));
    expect(days.size).toBeGreaterThan(1); // this shows that the clock did jump
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });
});
