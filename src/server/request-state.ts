import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { ErrorCode } from "../errors.ts";
import { createLanes } from "../scheduling/lanes.ts";
import type { Admission } from "./admission.ts";

declare module "fastify" {
  interface FastifyRequest {
    admission: Admission | undefined;
    /** No key has come yet, and the body may hold one. */
    awaitsKey: boolean;
    /** Errors call an item so, in a request that may have several. */
    nameItem: ((index: number) => string) | undefined;
    errorCode: ErrorCode | undefined;
    /** Counts the texts and images that were encoded, and those of the texts that were cut. */
    encoded: { text: number; image: number; truncated: number } | undefined;
  }
  interface FastifyInstance {
    /** The service is stopping: what is in flight is finished, nothing new is taken. */
    draining: boolean;
    /** Resolves in a turn of the event loop that no other large step has, such as parsing, however many requests wait for one. */
    ownTurn(): Promise<void>;
  }
}

export function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest("awaitsKey", false);
  for (const name of ["admission", "nameItem", "errorCode", "encoded"]) app.decorateRequest(name, undefined);
  app.decorate("draining", false);
  const lane = createLanes({ lanes: 1 });
  app.decorate("ownTurn", () => lane.run(() => nextTurn()));
  app.addHook("preClose", async () => {
    app.draining = true;
  });
}
