import type { Service } from "./service.ts";

/** MiB resident, decoders included, after so many requests; four texts to an image, 16 at a time. */
export type MemoryCurve = { requests: number; mebibytes: number }[];

/** Sends `requests` and looks at the memory after each quarter of them. */
export async function memoryCurve(
  service: Service,
  { requests, images, texts }: { requests: number; images: () => string; texts: () => string },
): Promise<MemoryCurve> {
  const send = async (path: string, body: string) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${service.url}${path}`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await response.arrayBuffer();
  };
  const curve: MemoryCurve = [];
  let sent = 0;
  for (let quarter = 1; quarter <= 4; quarter++) {
    const until = Math.round((requests * quarter) / 4);
    const lane = async () => {
      while (sent < until) await (sent++ % 5 === 0 ? send("/encode_image", images()) : send("/encode_text", texts()));
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    curve.push({ requests: until, mebibytes: service.residentBytes() / 2 ** 20 });
  }
  return curve;
}
