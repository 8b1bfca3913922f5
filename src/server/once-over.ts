import type { FastifyReply } from "fastify";

/**
 * Calls back once, when the reply is out or its connection gone. A reply that waits behind others of its connection
 * (pipelining) is not told by Node that the connection ended, so the socket is asked as well.
 */
export function onceOver(reply: FastifyReply, callback: () => void): void {
  const { raw, request } = reply;
  const { socket } = request.raw;
  let isOver = false;
  const over = () => {
    if (isOver) return; // one "close" event is often the cause of the other
    isOver = true;
    raw.off("close", over);
    socket.off("close", over);
    callback();
  };
  if (socket.destroyed) over(); // neither will emit "close" again
  raw.once("close", over);
  socket.once("close", over);
}
