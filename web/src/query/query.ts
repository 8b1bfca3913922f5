import type { Picture } from "../collections/picture.ts";

/** One summand of a query. */
export type Term = { weight: number } & ({ text: string } | { picture: Picture });

/** What is in the search box, and the terms beside it. */
export interface Query {
  text: string;
  terms: Term[];
}

export const emptyQuery: Query = { text: "", terms: [] };

/** Lists all summands: what is in the box counts once. */
export function termsOf({ text, terms }: Query): Term[] {
  const typed = text.trim();
  return typed === "" ? terms : [{ text: typed, weight: 1 }, ...terms];
}

/** The query in words, for titles and file names. */
export function describe(query: Query): string {
  const [first, ...others] = termsOf(query);
  if (!first) return "";
  const start = first.weight < 0 ? `− ${nameOf(first)}` : nameOf(first);
  return [start, ...others.map((term) => `${term.weight < 0 ? "−" : "+"} ${nameOf(term)}`)].join(" ");
}

export function nameOf(term: Term): string {
  return "text" in term ? term.text : term.picture.name;
}
