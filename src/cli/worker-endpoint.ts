import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { EncoderError } from "../errors.ts";

export interface WorkerEndpointOptions {
  host: string;
  port: number;
  registry: Registry;
  /** Tells whether the worker takes shards. */
  isReady(): boolean;
}

export type WorkerEndpoint = Awaited<ReturnType<typeof openWorkerEndpoint>>;

/** What an orchestrator and Prometheus ask a worker, which has no other HTTP interface: three paths without a body. */
export async function openWorkerEndpoint({ host, port, registry, isReady }: WorkerEndpointOptions) {
  const server = createServer(async (request, response) => {
    const [status, type, body] = await answer(request.url ?? "/");
    response.writeHead(status, { "content-type": type, connection: "close" }).end(body);
  });
  async function answer(path: string): Promise<[number, string, string]> {
    if (path === "/metrics") return [200, registry.contentType, await registry.metrics()];
    if (path === "/health/live") return [200, "application/json", '{"status":"healthy"}'];
    if (path !== "/health/ready") return [404, "text/plain", "There is /metrics, /health/live and /health/ready.\n"];
    return isReady()
      ? [200, "application/json", '{"status":"healthy"}']
      : [503, "application/json", '{"status":"unhealthy"}'];
  }
  server.listen(port, host);
  await once(server, "listening").catch((cause: NodeJS.ErrnoException) => {
    throw new EncoderError("LISTEN_FAILED", `Port ${port} on ${host} cannot be listened on (${cause.code}).`, {
      cause,
    });
  });
  return {
    port: (server.address() as AddressInfo).port, // a server that listens on TCP has one
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
