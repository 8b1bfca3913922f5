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

export function pictureCall(picture: Picture): Call {
  const { origin } = picture;
  const type = origin.kind === "file" && origin.file.type.startsWith("image/") ? origin.file.type : "image/*";
  return call("encode_image", { fileName: savedName(picture), type: origin.kind === "file" ? type : "image/webp" });
}

/** A request beyond this would be more text than anyone copies, and more than a service need take at once. */
export const mostPicturesAsked = 16;

/** The request for the vectors of the first of these pictures: one alone is sent as it is. */
export function picturesCall(pictures: readonly Picture[]): Call {
  const [first, ...others] = pictures.slice(0, mostPicturesAsked);
  if (first && others.length === 0) return pictureCall(first);
  const images = [first, ...others].flatMap((picture) => (picture ? { b64: fileOf(picture) } : []));
  return call("encode_image", { json: { images } });
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

const fileOf = (picture: Picture) => new FileInBase64(savedName(picture));

/** What the picture's file is called, for the gallery's as a browser saves it: two of its drawings can share a name. */
function savedName({ name, origin }: Picture): string {
  return fileName(origin.kind === "gallery" ? origin.url : name);
}

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
