import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/** Gives a port of the loopback address that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // It is one, since the server listens on a port.
  server.close();
  await once(server, "close");
  return port;
}

/** Tells whether something accepts connections at a port of the loopback address. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
