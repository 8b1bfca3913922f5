import type { SearchRequest, SearchTerm } from "../../../src/client/client.ts";
import type { Picture } from "../collections/picture.ts";
import type { Term } from "../query/query.ts";

/** Writes the body of POST /search for a query: the short form for one summand, else arithmetic. */
export async function indexRequest(
  terms: Term[],
  bytesOf: (picture: Picture) => Promise<Blob>,
): Promise<SearchRequest> {
  const [only] = terms;
  if (terms.length === 1 && only && only.weight > 0) {
    return "text" in only ? { text: only.text } : { image_b64: await bytesOf(only.picture) };
  }
  const query = terms.map(async (term): Promise<SearchTerm> => {
    const { weight } = term;
    return "text" in term ? { text: term.text, weight } : { b64: await bytesOf(term.picture), weight };
  });
  return { query: await Promise.all(query) };
}
