import type { FastifyRequest } from "fastify";
import type { Item } from "../encoder/items.ts";
import { atIndex, EncoderError, isItemFault } from "../errors.ts";
import { encodedLength, type ImageSource, imageOf } from "./images.ts";
import type { RequestLimits } from "./route-context.ts";
import { turnBudget } from "./turns.ts";

/** Holds an item of a request, before its size is checked and its base64 decoded. */
export type Source = { text: string } | ImageSource;

/** Says how errors speak of a request's items. */
export interface ItemNames {
  /** Name of the field that holds a batch, or of each item in it; absent where the request is for one item. */
  field?: string | ((index: number) => string) | undefined;
  noun: string;
}

/** An error stands in place of an item that is at fault. */
export type ItemOrFault = Item | EncoderError;

/**
 * Turns what a request's body carries into the encoder's input, and lets go of the body; `sources` is empty afterwards.
 * With `keepFaults`, an item that is at fault itself stands as its error among the others.
 * @throws EncoderError, naming the item: INVALID_REQUEST if there is none, BATCH_TOO_LARGE, TEXT_TOO_LONG, INVALID_BASE64,
 * IMAGE_TOO_LARGE
 */
export interface ReadItems {
  (request: FastifyRequest, sources: Source[], how: ItemNames & { keepFaults: true }): Promise<ItemOrFault[]>;
  (request: FastifyRequest, sources: Source[], how: ItemNames): Promise<Item[]>;
}

const manyItems = 256;

export function createItemReader(limits: RequestLimits): ReadItems {
  async function readItems(
    request: FastifyRequest,
    sources: Source[],
    { field, noun, keepFaults = false }: ItemNames & { keepFaults?: boolean },
  ): Promise<ItemOrFault[]> {
    request.nameItem = typeof field === "string" ? (index) => `${field}[${index}]` : field;
    request.body = undefined;
    const { maxBatchItems } = limits;
    if (sources.length === 0) throw new EncoderError("INVALID_REQUEST", `The request holds no ${noun}.`);
    if (sources.length > maxBatchItems) {
      const message = `The request holds ${sources.length} ${noun}s; at most ${maxBatchItems} fit one (MAX_BATCH_ITEMS).`;
      throw new EncoderError("BATCH_TOO_LARGE", message);
    }
    const ownTurn = () => request.server.ownTurn();
    // What was done in this turn (parsing, checking) and what comes (tokenising) take some milliseconds each.
    if (sources.length >= manyItems) await ownTurn();
    const items: ItemOrFault[] = [];
    const spend = turnBudget(ownTurn);
    // Base64 is a third more than the images that it becomes, and would grow old among V8's objects until the answer.
    for (const [index, source] of sources.splice(0).entries()) {
      if (!("text" in source)) await spend(encodedLength(source));
      try {
        items.push(
          "text" in source ? textItem(source.text, limits) : { image: await imageOf(source, limits, ownTurn) },
        );
      } catch (error) {
        const fault = atIndex(error, index);
        if (!keepFaults || !isItemFault(fault)) throw fault;
        items.push(fault);
      }
    }
    if (sources.length >= manyItems) await ownTurn();
    return items;
  }
  return readItems as ReadItems; // A fault that is not kept is thrown, and then every item is one.
}

function textItem(text: string, { maxTextBytes }: RequestLimits): Item {
  // A UTF-16 unit is at most three bytes of UTF-8. A text of white space is empty, whatever its size.
  if (text.length * 3 > maxTextBytes && Buffer.byteLength(text) > maxTextBytes && text.trim() !== "") {
    throw new EncoderError("TEXT_TOO_LONG", `The text is larger than ${maxTextBytes} bytes (MAX_TEXT_BYTES).`);
  }
  return { text };
}
