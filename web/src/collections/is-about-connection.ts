import { ServiceError } from "../../../src/client/client.ts";

/**
 * Tells whether the service is gone or asks for a key. A notice above all views says so, what was found stays, and the
 * question is asked again when the service is back.
 */
export function isAboutConnection(error: unknown): boolean {
  return error instanceof ServiceError && [0, 401].includes(error.status);
}
