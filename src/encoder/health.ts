import type { Decoder } from "../image/decoder.ts";
import type { Pixels } from "../image/pixels.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { InFlight } from "../tower/in-flight.ts";
import { requestScope } from "../tower/request-scope.ts";
import type { Tower } from "../tower/tower.ts";
import type { Encoder } from "./contract.ts";

export interface HealthOptions {
  images: Tower<Pixels>;
  texts: Tower<number[]>;
  tokenizer: Tokenizer;
  decoder: Decoder;
}

/** The probe encodes a word and a picture of one pixel (PNG). */
const probeText = "health";
const probeImage: Uint8Array = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** One probe serves all who ask meanwhile, and goes on until the last of them has gone away. */
export function createHealthCheck({ images, texts, tokenizer, decoder }: HealthOptions): Encoder["isHealthy"] {
  const probing = new InFlight<boolean>();
  let probes = 0;

  /** Takes the way of a real request, decoder included, under a key that no cache knows. */
  async function probeImageTower(signal: AbortSignal, key: string): Promise<void> {
    const request = images.open({ items: 1, signal });
    await request
      .embed({ key, position: 0, cost: 1 }, async (turn) => ({ item: await decoder.decode(probeImage, turn) }))
      .finally(request.close);
  }

  async function probeTextTower(signal: AbortSignal, key: string): Promise<void> {
    const request = texts.open({ items: 1, signal });
    try {
      const [tokens] = await tokenizer.tokenize([probeText], request.signal);
      await request.embed({ key, position: 0, cost: tokens!.ids.length }, () => ({ item: tokens!.ids }));
    } finally {
      request.close();
    }
  }

  /** Asks only the towers that have been silent: a busy one is well, and may have a full queue. */
  async function probe(silent: { image: boolean; text: boolean }, signal: AbortSignal): Promise<boolean> {
    const key = `probe ${++probes}`;
    const asked = [silent.image && probeImageTower(signal, key), silent.text && probeTextTower(signal, key)];
    const outcomes = await Promise.allSettled(asked);
    return outcomes.every(({ status }) => status === "fulfilled"); // whatever it was, there are no vectors now
  }

  return async ({ maxAgeMs, signal }) => {
    const isSilent = ({ lastSuccessAt }: { lastSuccessAt: number }) => performance.now() - lastSuccessAt > maxAgeMs;
    const silent = { image: isSilent(images), text: isSilent(texts) };
    if (!silent.image && !silent.text) return true;
    const caller = requestScope(signal);
    const share = probing.join("probe", (ended) => probe(silent, ended));
    return caller
      .until(share)
      .catch(() => false)
      .finally(() => caller.end());
  };
}
