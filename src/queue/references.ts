import { type FileReading, failedItem, fileItem } from "../bulk/items/file-item.ts";
import type { Item } from "../bulk/items/item.ts";
import { textItem } from "../bulk/items/text-item.ts";
import { urlItem } from "../bulk/items/url-item.ts";
import { EncoderError, toEncoderError } from "../errors.ts";
import type { Reference, ShardRow } from "./shard.ts";
import { tarMemberItem } from "./tar-member.ts";

/** What stands for an item in a job. A tar's member is read again, so its bytes are dropped. */
export async function rowOf(item: Item): Promise<ShardRow> {
  const { key, name, columns } = item;
  const version = await item.version?.().catch(() => undefined); // reading the item says what is wrong with it
  const carried = Object.keys(columns).length > 0 ? { columns } : {};
  return { key, name, ...carried, ...(version !== undefined && { version }), input: await referenceOf(item) };
}

async function referenceOf({ origin, name, load, discard }: Item): Promise<Reference> {
  switch (origin.kind) {
    case "file":
      return { file: origin.path.toString("latin1") };
    case "url":
      return { url: name };
    case "text":
      return { text: name };
    case "member": {
      discard?.();
      if (origin.place) return { ...origin.place, tar: origin.place.tar.toString("latin1") };
      const message = "A compressed tar cannot be cut into shards: unpack it to a plain .tar first.";
      return { code: "INPUT_REFUSED", error: message };
    }
    case "refused": {
      const { code, message } = await load(new AbortController().signal).then(
        () => new EncoderError("INTERNAL", "A refused input was read."),
        toEncoderError,
      );
      return { code, error: message };
    }
  }
}

/** The item that a worker reads for a row of a shard. */
export function itemOf({ key, name, columns = {}, input }: ShardRow, reading: FileReading): Item {
  const facts = { key, columns };
  if ("file" in input) return { ...fileItem({ path: Buffer.from(input.file, "latin1"), ...facts }, reading), name };
  if ("tar" in input) return tarMemberItem({ ...input, ...facts, name }, reading);
  if ("url" in input) return { ...urlItem({ url: input.url, ...facts }, reading), name };
  if ("text" in input) return { ...textItem({ text: input.text, ...facts }), name };
  return { ...failedItem({ name, key, error: new EncoderError(input.code, input.error) }), columns };
}
