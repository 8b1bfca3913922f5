import { EncoderError } from "../../errors.ts";
import type { Content, Item } from "./item.ts";

export interface ReadItemOptions {
  /** Reading and using an item may take so long. */
  itemTimeoutMs: number;
  signal?: AbortSignal;
}

/**
 * Reads an item, lets it be used, and gives its memory back.
 * @throws EncoderError ITEM_TIMEOUT; what reading and `use` throw; the signal's reason when aborted.
 */
export async function readItem<T>(
  item: Item,
  { itemTimeoutMs, signal: outer }: ReadItemOptions,
  use: (content: Content, options: { signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController();
  const message = `The input was not read and encoded within ${itemTimeoutMs} ms.`;
  const timer = setTimeout(() => timeout.abort(new EncoderError("ITEM_TIMEOUT", message)), itemTimeoutMs);
  const signal = outer ? AbortSignal.any([timeout.signal, outer]) : timeout.signal;
  try {
    const content = await unlessAborted(item.load(signal), signal);
    try {
      return await use(content, { signal });
    } finally {
      content.release();
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A file system that has gone away answers no call at all. Node.js keeps a signal made of others for as long as anybody
 * listens to it, so the listener goes when the item is loaded.
 */
function unlessAborted<T extends { release(): void }>(loading: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    loading
      .then((content) => (signal.aborted ? content.release() : resolve(content)), reject)
      .finally(() => signal.removeEventListener("abort", giveUp));
  });
}
