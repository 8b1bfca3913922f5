import type { FileReading } from "./file-item.ts";
import type { Columns, Item } from "./item.ts";

/** Describes a picture behind a URL. It counts as unchanged for as long as its URL is the same. */
export function urlItem(
  { url, key, columns }: { url: string; key: string; columns: Columns },
  reading: FileReading,
): Item {
  return {
    identity: `url ${url}`,
    name: url,
    key,
    columns,
    origin: { kind: "url" },
    operand: 0,
    async load(signal) {
      const { bytes, release } = await reading.fetcher.fetchImage(url, { signal });
      return { input: bytes, version: undefined, release };
    },
  };
}
