import { ServiceError } from "../../../src/client/client.ts";
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

/**
 * Tells whether the service is gone or asks for a key. A notice above all views says so, what was found stays, and the
 * question is asked again when the service is back.
 */
export function isAboutConnection(error: unknown): boolean {
  return error instanceof ServiceError && [0, 401].includes(error.status);
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
