import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { onTestFinished } from "vitest";
import { createImageFetcher, type FetchOptions } from "../../src/image/fetch.ts";

/** Listens on a free port of 127.0.0.1 until the test ends. */
export async function listen(server: Server & { closeAllConnections?(): void }): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return (server.address() as AddressInfo).port; // the address of a TCP server is never the name of a pipe
}

/** Makes a fetcher that releases each image at once. */
export function fetcherOfBytes(options: FetchOptions) {
  const fetcher = createImageFetcher(options);
  return {
    async fetchImage(url: string, options?: { signal?: AbortSignal }): Promise<Uint8Array> {
      const { bytes, release } = await fetcher.fetchImage(url, options);
      release();
      return bytes;
    },
  };
}

/** Starts an HTTP server that counts its requests. */
export async function serve(listener: RequestListener) {
  let count = 0;
  const server = createServer((request, reply) => {
    count++;
    listener(request, reply);
  });
  return { port: await listen(server), server, requests: () => count };
}
