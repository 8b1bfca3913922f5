import autocannon from "autocannon";
import { quantile } from "../spread.ts";

export interface LoadResult {
  /** Answers per second. */
  rate: number;
  p50Ms: number;
  p99Ms: number;
  /** Counts answers other than 200, and broken connections. */
  failures: number;
}

export interface LoadOptions {
  url: string;
  path: string;
  connections: number;
  seconds: number;
  /** Limits the rate; without it, the load is as much as the service answers. */
  ratePerSecond?: number;
  /** Makes a new body for each request; without it, requests are GETs. */
  body?: () => string;
}

/** Puts a closed-loop load on a service: each connection sends its next request when it has its answer. */
export async function load({ url, path, connections, seconds, ratePerSecond, body }: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = [];
  const request: autocannon.Request = body
    ? {
        method: "POST",
        path,
        headers: { "content-type": "application/json" },
        setupRequest: (given) => ({ ...given, body: body() }),
      }
    : { method: "GET", path };
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const rate = ratePerSecond === undefined ? {} : { overallRate: ratePerSecond };
    const options = { url, connections, duration: seconds, requests: [request], ...rate };
    const run = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
    run.on("response", (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  });
  latencies.sort((a, b) => a - b);
  return {
    rate: latencies.length / result.duration,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    failures: result.non2xx + result.errors + result.timeouts,
  };
}
