import { z } from "zod";
import { looksLikeDataUri } from "../../encoder/base64.ts";
import { EncoderError } from "../../errors.ts";
import { exactlyOne, some } from "../documented.ts";
import type { Source } from "../items.ts";
import { pixel } from "../schemas.ts";
import { truncate } from "./cutting.ts";
import { noJoint, oneSource } from "./one-source.ts";

/** Describes one part of a message, of the kinds that vLLM's clients and Dify send. */
const part = z.object({
  type: z.enum(["text", "image_url"], "expected text or image_url; parts of other kinds have no vector"),
  text: z.string().nullish(),
  image_url: z.union([z.string(), z.object({ url: z.string() })]).nullish(),
});

const message = z.object({ role: z.string(), content: z.union([z.string(), z.array(part)]).nullish() });
const conversation = z.array(message).min(1);

/** Jina, SGLang and the AI SDK say in this way what an item is. */
const tagged = z.strictObject({ text: z.string().nullish(), image: z.string().nullish() });

const tokens = "token ids are not read, send text (LangChain for Python: check_embedding_ctx_length=False)";
const inputItem = z.union([z.string(), conversation, tagged], `expected text or an image; ${tokens}`);

const modalities = "expected text or image, or a list of these, since CLIP gives an item of both no vector";
const modality = z.enum(["text", "image"]);

const embeddingTypes = "expected float or base64; other kinds of vectors are not made";
const embeddingType = z.enum(["float", "base64"], embeddingTypes);

/** Voyage's texts come to the same route. */
const voyageText = {
  output_dtype: z.enum(["float"], "expected float; other kinds of numbers are not made").nullish(),
  output_dimension: z.int().nullish().describe("The model's own number of dimensions"),
};

/** NVIDIA NIM, vLLM and Voyage say in these fields what becomes of a text that is too long. */
const cutting = {
  truncate: truncate.describe("NONE refuses texts that are too long"),
  truncation: z.boolean().nullish().describe("False refuses texts that are too long"),
  truncate_prompt_tokens: z.literal(-1, "expected -1, which is as many as the model reads").nullish(),
};

export const embeddingsBody = z
  .object({
    model: z.string().nullish(),
    input: z
      .union([z.string(), tagged, z.array(inputItem)], `expected a string or a list; ${tokens}`)
      .nullish()
      .describe("Strings, of which data URIs are images; objects with text or image; conversations"),
    messages: z
      .union([conversation, z.array(conversation).min(1)])
      .nullish()
      .describe("A conversation, of which the user's turn is encoded, or several; in place of input"),
    modality: z
      .union([modality, some(modality)], modalities)
      .nullish()
      .describe('With "image", strings are images\' URLs'),
    encoding_format: embeddingType.nullish(),
    embedding_type: z.union([embeddingType, z.tuple([embeddingType])], embeddingTypes).nullish(),
    dimensions: z.int().nullish().describe("The model's own number of dimensions"),
    normalized: z.boolean().nullish().describe("Unit length (true, the default)"),
    normalize: z.boolean().nullish().describe("vLLM's name for normalized"),
    ...voyageText,
    ...cutting,
  })
  .meta({
    ...exactlyOne(["input", "messages"]),
    examples: [
      { input: "a red bicycle", model: "default" },
      { input: ["a dog", `data:image/png;base64,${pixel}`], encoding_format: "base64" },
      { input: [{ text: "a dog" }, { image: pixel }] },
      { messages: [{ role: "user", content: [{ type: "text", text: "a dog" }] }] },
    ],
  });

export type EmbeddingsBody = z.output<typeof embeddingsBody>;
type Modality = z.output<typeof modality>;

/** Lists what the body asks a vector of, in its order, whichever of the conventions it follows. */
export function sourcesOf({ input, messages, modality }: EmbeddingsBody): Source[] {
  if ((input == null) === (messages == null)) {
    throw refusal(`Exactly one of input and messages is expected; found ${input == null ? "neither" : "both"}.`);
  }
  if (messages != null) {
    const conversations = isConversation(messages) ? [messages] : messages;
    return conversations.map((messages, index) => inConversation(messages, `messages[${index}]`));
  }
  const items = Array.isArray(input) ? input : [input!];
  if (Array.isArray(modality) && modality.length !== items.length) {
    throw refusal(`modality has ${modality.length} values, and input ${items.length} items.`);
  }
  return items.map((item, index) => {
    const name = `input[${index}]`;
    if (Array.isArray(item)) return inConversation(item, name);
    if (typeof item !== "string") return inTagged(item, name);
    return inString(item, Array.isArray(modality) ? modality[index] : modality);
  });
}

function inString(text: string, modality: Modality | null | undefined): Source {
  if (modality === "image") return { either: text };
  return modality == null && looksLikeDataUri(text) ? { url: text } : { text };
}

function inTagged({ text, image }: z.output<typeof tagged>, name: string): Source {
  if (text != null && image == null) return { text };
  if (image != null && text == null) return { either: image };
  throw refusal(`${name}: exactly one of text and image is expected; ${noJoint}.`);
}

/** Finds what the user's turn asks one vector of: system prompts and prefilled answers are for models that chat. */
function inConversation(messages: z.output<typeof conversation>, name: string): Source {
  const parts = messages.filter(({ role }) => role === "user").flatMap(partsOf);
  const images = parts.flatMap(({ image_url: image }) => {
    if (image == null) return [];
    return typeof image === "string" ? image : image.url;
  });
  const texts = parts.flatMap(({ text }) => (text == null || text.trim() === "" ? [] : text));
  return oneSource({ texts, images, name: `${name}: the user's turn` });
}

function partsOf({ content }: z.output<typeof message>): Omit<z.output<typeof part>, "type">[] {
  return typeof content === "string" ? [{ text: content }] : (content ?? []);
}

function isConversation(messages: NonNullable<EmbeddingsBody["messages"]>): messages is z.output<typeof conversation> {
  return !Array.isArray(messages[0]);
}

function refusal(message: string): EncoderError {
  return new EncoderError("INVALID_REQUEST", message);
}
