import { type CollectionName, collectionNames } from "../collections/picture.ts";

export type View = "search" | "compare" | "map";

/** A summand as an address holds it: words, or the id of a picture that the page finds again. */
export type AddressTerm = { weight: number } & ({ text: string } | { pictureId: string });

/** Holds what a link to the page says. Pictures of one's own have no address, so they are not in it. */
export interface Address {
  view: View;
  text: string;
  terms: AddressTerm[];
  collection: CollectionName | undefined;
  /** Says how many hundredths of the range of scores are cut. */
  cut: number;
  /** Compare has these. */
  sentences: string[];
  pictureIds: string[];
}

const views: View[] = ["search", "compare", "map"];

/** A link may come from anyone: what it holds beyond this is left out. */
const mostTerms = 16;

export function readAddress(hash: string): Address {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const collection = fields.get("in");
  return {
    view: views.find((view) => view === fields.get("view")) ?? "search",
    text: fields.get("q") ?? "",
    terms: fields.getAll("t").slice(0, mostTerms).flatMap(readTerm),
    collection: collectionNames.find((name) => name === collection),
    cut: Math.min(100, Math.max(0, Math.round(Number(fields.get("cut")) || 0))),
    sentences: fields.getAll("s").slice(0, mostTerms),
    pictureIds: fields.getAll("p").slice(0, mostTerms),
  };
}

export function writeAddress(address: Address): string {
  const fields = new URLSearchParams();
  if (address.view !== "search") fields.set("view", address.view);
  if (address.text !== "") fields.set("q", address.text);
  for (const term of address.terms) fields.append("t", writeTerm(term));
  if (address.collection) fields.set("in", address.collection);
  if (address.cut > 0) fields.set("cut", String(address.cut));
  if (address.view === "compare") {
    for (const sentence of address.sentences) fields.append("s", sentence);
    for (const id of address.pictureIds) fields.append("p", id);
  }
  const text = fields.toString();
  return text === "" ? "" : `#${text}`;
}

/** Writes a term as in `1:puppy`, `-0.5:grass`, `1@red-apple-3d-13ec4ec4`. */
function writeTerm(term: AddressTerm): string {
  return "text" in term ? `${term.weight}:${term.text}` : `${term.weight}@${term.pictureId}`;
}

function readTerm(text: string): AddressTerm[] {
  const match = /^(-?\d+(?:\.\d+)?)([:@])(.+)$/s.exec(text);
  if (!match) return [];
  const weight = Math.min(5, Math.max(-5, Number(match[1])));
  return [match[2] === ":" ? { weight, text: match[3]! } : { weight, pictureId: match[3]! }];
}
