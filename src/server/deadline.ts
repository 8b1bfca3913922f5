import type { FastifyReply } from "fastify";
import { EncoderError } from "../errors.ts";
import { onceOver } from "./once-over.ts";

/**
 * Bounds the work on a request from now on.
 * @returns a signal that aborts at the deadline, in `performance.now()` milliseconds, and when the client goes away; its
 * reason is the error to answer with.
 */
export function startDeadline(reply: FastifyReply, timeoutMs: number): { signal: AbortSignal; deadline: number } {
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
