import { describe, expect, it, onTestFinished } from "vitest";
import { imageBodies, textBodies } from "../../bench/http/inputs.ts";
import { createLoad, distinctImages } from "../../bench/overload.ts";
import { startCli } from "../support/run-cli.ts";

/** Does what `npm run soak` does, in a few seconds, with what must hold on every machine. */
describe("the service as it is started, at three times its capacity", () => {
  it("fails nothing, says when to come back, and is itself again afterwards", async () => {
    // Batches of one have no reserve, so 32 clients already get all there is.
    const settings = { MAX_TEXT_BATCH: "1", MAX_IMAGE_BATCH: "1", REQUEST_TIMEOUT_MS: "9000", LOG_LEVEL: "info" };
    const { says, child, ended } = startCli(["serve", "--port", "0", "--host", "127.0.0.1"], settings);
    const url = await says(/http:\/\/127\.0\.0\.1:\d+/);
    const load = createLoad({ url, image: distinctImages(await imageBodies(5), 5), text: textBodies() });
    onTestFinished(() => load.close());
    const perSecond = Math.max(1, await load.capacity(2));
    const answers = await load.offer({ perSecond: Math.min(1000, 3 * perSecond), seconds: 6 });

    expect(answers.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const { status, retryAfter } of answers) {
      if (status === 429) expect(retryAfter).toBeGreaterThanOrEqual(1);
    }
    for (let i = 0; i < 5; i++) expect((await load.next()).status).toBe(200); // one of the five is an image
    const lines = async () => (await (await fetch(`${url}/metrics`)).text()).split("\n");
    const atRest = ['encoder_queue_depth{tower="image"} 0', 'encoder_queue_depth{tower="text"} 0'];
    await expect.poll(lines).toEqual(expect.arrayContaining([...atRest, "encoder_requests_in_flight 0"]));
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "healthy" });
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });
});
