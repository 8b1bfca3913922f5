import type { FastifyReply } from "fastify";
import { EncoderError } from "../errors.ts";
import { onceOver } from "./once-over.ts";

/** Aborts when the client goes away, and when `timeoutMs` are over; its reason is the error to answer with. */
export function requestSignal(reply: FastifyReply, timeoutMs: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new EncoderError("DEADLINE_EXCEEDED", `The request took longer than ${timeoutMs} ms.`));
  }, timeoutMs);
  onceOver(reply, () => {
    clearTimeout(timer);
    if (!reply.raw.writableEnded) controller.abort(new EncoderError("CLIENT_CLOSED", "The client went away."));
  });
  return controller.signal;
}
