import { fileName, type Picture } from "../collections/picture.ts";
import type { Term } from "../query/query.ts";
import { apiKey } from "../session/api-key.ts";
import { type Call, FileInBase64 } from "../snippets/call.ts";

/** The requests that the page makes for a query to rank pictures by itself, for people to make themselves. */
export function encodeCalls(terms: Term[]): Call[] {
  const texts = terms.flatMap((term) => ("text" in term ? [term.text] : []));
  const pictures = terms.flatMap((term) => ("picture" in term ? [term.picture] : []));
  return [...textCalls(texts), ...pictures.map(pictureCall)];
}

export function textCalls(texts: string[]): Call[] {
  if (texts.length === 0) return [];
  return [call("encode_text", { json: texts.length === 1 ? { text: texts[0] } : { texts } })];
}

export function pictureCall({ name, origin }: Picture): Call {
  const type = origin.kind === "file" && origin.file.type.startsWith("image/") ? origin.file.type : "image/*";
  return call("encode_image", { fileName: fileName(name), type: origin.kind === "file" ? type : "image/webp" });
}

/** The request that searches the index of the service, in the form that the page uses for this query. */
export function searchCall(terms: Term[]): Call {
  const [only] = terms;
  const isPlain = terms.length === 1 && only !== undefined && only.weight > 0;
  const query = isPlain ? plainQuery(only) : { query: terms.map(summand) };
  return call("search", { json: { ...query, limit: 60 } });
}

function plainQuery(term: Term): object {
  return "text" in term ? { text: term.text } : { image_b64: fileOf(term.picture) };
}

function summand(term: Term): object {
  const { weight } = term;
  return "text" in term ? { text: term.text, weight } : { b64: fileOf(term.picture), weight };
}

const fileOf = ({ name }: Picture) => new FileInBase64(fileName(name));

/** The request for the pictures that the map of the index is drawn of. */
export function sampleCall(limit: number): Call {
  return call(`index/sample?limit=${limit}`);
}

function call(route: string, body?: Call["body"]): Call {
  return {
    url: new URL(route, document.baseURI).href.replace(/#.*$/, ""),
    ...(body && { body }),
    needsKey: apiKey.read() !== undefined,
  };
}
