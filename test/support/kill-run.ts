import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "./run-cli.ts";

/** KILLS=20 makes the long form of the tests that kill a run, `npx vitest run test/cli -t "kill -9"`. */
const kills = Number(process.env.KILLS ?? 3);
/** Milliseconds that such a test may take. */
export const killTimeoutMs = 120_000 + kills * 20_000;

/** Resolves when the journal of an output or an index holds at least so many bytes of vectors. */
export async function waitForVectors(out: string, bytes: number): Promise<void> {
  const size = () => statSync(join(out, ".journal/vectors.f32"), { throwIfNoEntry: false })?.size ?? 0;
  while (size() < bytes) await sleep(5);
}

/** The tiny model has vectors of 32 numbers. */
const bytesPerVector = 32 * 4;

/**
 * Starts a run `kills` times and kills each with -9 at a random moment, later every time.
 * @param pictures how many there are for the whole run
 */
export async function killAgainAndAgain(start: () => Running, { out, pictures }: { out: string; pictures: number }) {
  for (let kill = 0; kill < kills; kill++) {
    const run = start();
    await Promise.race([
      waitForVectors(out, bytesPerVector * Math.floor((pictures * (kill + Math.random())) / kills)),
      run.ended,
    ]);
    await sleep(50 * Math.random());
    run.child.kill("SIGKILL");
    await run.ended;
  }
}
