import { fileName, type Picture } from "../collections/picture.ts";
import type { Term } from "../query/query.ts";
import { apiKey } from "../session/api-key.ts";
import type { Call } from "../snippets/call.ts";

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

/** The request that searches the index of the service. */
export function searchCall(terms: Term[]): Call {
  const [only] = terms;
  const summands = terms.map((term) =>
    "text" in term
      ? { text: term.text, weight: term.weight }
      : { b64: `BASE64 OF ${fileName(term.picture.name)}`, weight: term.weight },
  );
  const isPlain = terms.length === 1 && only && "text" in only && only.weight > 0;
  return call("search", { json: { ...(isPlain ? { text: only.text } : { query: summands }), limit: 60 } });
}

function call(route: string, body: Call["body"]): Call {
  return {
    url: new URL(route, document.baseURI).href.replace(/#.*$/, ""),
    body,
    needsKey: apiKey.read() !== undefined,
  };
}
