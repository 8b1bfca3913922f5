import { InFlight } from "../tower/in-flight.ts";
import { requestScope } from "../tower/request-scope.ts";
import type { Encoder } from "./contract.ts";

export interface HealthOptions extends Pick<Encoder, "encodeImages" | "encodeTexts"> {
  images: { readonly lastSuccessAt: number };
  texts: { readonly lastSuccessAt: number };
}

/** The picture of a probe has one pixel (PNG). */
const onePixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** One probe serves all who ask meanwhile, and goes on until the last of them has gone away. */
export function createHealthCheck(options: HealthOptions): Encoder["isHealthy"] {
  const { images, texts, encodeImages, encodeTexts } = options;
  const probing = new InFlight<boolean>();
  let probes = 0;

  /**
   * Asks only the towers that have been silent: a busy one is well, and may have a full queue. The inputs take the way of
   * real ones; a number in the word, and behind the picture's end, keeps them out of caches.
   */
  async function probe(silent: { image: boolean; text: boolean }, signal: AbortSignal): Promise<boolean> {
    const number = String(++probes);
    const picture = Buffer.concat([onePixel, Buffer.from(number)]);
    const asked = [
      silent.image && encodeImages([picture], { signal }),
      silent.text && encodeTexts([`health ${number}`], { signal }),
    ];
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
