import { resolve } from "node:path";
import { startLoopbackHub } from "../test/hub/loopback-hub.ts";

/** Serves a checkpoint pair as `check/clip` and `check/text` until it is killed, and prints its address. */
const directory = resolve(import.meta.dirname, "../test/fixtures/golden/tiny");
const hub = await startLoopbackHub({
  "check/clip": { directory: `${directory}/clip` },
  "check/text": { directory: `${directory}/text`, token: "the-check's-token" },
});
process.stdout.write(`${hub.endpoint}\n`);
