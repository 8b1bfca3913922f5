import autocannon from "autocannon";

export interface LoadResult {
  /** Answers per second. */
  rate: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 200, and broken connections. */
  failures: number;
}

export interface LoadOptions {
  url: string;
  path: string;
  connections: number;
  seconds: number;
  /** Where it is not as much as possible. */
  ratePerSecond?: number;
  /** A new body per request; none makes it a GET. */
  body?: () => string;
}

/** Closed-loop load: each connection sends its next request when it has its answer. */
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
  const percentile = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    rate: latencies.length / result.duration,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    failures: result.non2xx + result.errors + result.timeouts,
  };
}
