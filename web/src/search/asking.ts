import type { Term } from "../query/query.ts";
import { useService } from "../session/session.ts";

/** Gives what tells one question from another: the terms, and the model that is asked. It is empty without terms. */
export function useKey(terms: Term[]): string {
  const service = useService();
  if (terms.length === 0) return "";
  const model = "info" in service ? service.info?.buildId : undefined;
  return JSON.stringify([
    model,
    ...terms.map((term) => [term.weight, "text" in term ? term.text : term.picture.id, "text" in term]),
  ]);
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
