import { createLoad } from "../overload.ts";
import type { Service } from "./service.ts";

/** Tells the memory in MiB, decoders included, after so many requests: four texts to an image, 16 at a time. */
export type MemoryCurve = { requests: number; mebibytes: number; alone: number }[];

/** Sends `requests` requests and looks at the memory after each quarter of them. */
export async function memoryCurve(
  service: Service,
  { requests, image, text }: { requests: number; image: () => string; text: () => string },
): Promise<MemoryCurve> {
  const load = createLoad({ url: service.url, image, text });
  const curve: MemoryCurve = [];
  let sent = 0;
  for (let quarter = 1; quarter <= 4; quarter++) {
    const until = Math.round((requests * quarter) / 4);
    const lane = async () => {
      while (sent < until) {
        sent++;
        const { path, status } = await load.next();
        if (status !== 200) throw new Error(`${path}: ${status}`);
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    const { shared, alone } = service.memory();
    curve.push({ requests: until, mebibytes: shared / 2 ** 20, alone: alone / 2 ** 20 });
    console.log(curve.at(-1));
  }
  await load.close();
  return curve;
}
