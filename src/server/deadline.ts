import type { FastifyReply } from "fastify";
import { EncoderError } from "../errors.ts";
import { onceOver } from "./once-over.ts";

export interface Deadline {
  /** Aborts at the deadline, and when the client goes away; its reason is the error to answer with. */
  signal: AbortSignal;
  /** Ends the time there is, in `performance.now()` milliseconds. */
  deadline: number;
}

/** Bounds the work on a request from now on. */
export function startDeadline(reply: FastifyReply, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new EncoderError("DEADLINE_EXCEEDED", `The request took longer than ${timeoutMs} ms.`));
  }, timeoutMs);
  onceOver(reply, () => {
    clearTimeout(timer);
    if (!reply.raw.writableEnded) controller.abort(new EncoderError("CLIENT_CLOSED", "The client went away."));
  });
  return { signal: controller.signal, deadline: performance.now() + timeoutMs };
}
