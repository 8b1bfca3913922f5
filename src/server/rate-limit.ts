import { isIPv6 } from "node:net";
import { LRUCache } from "lru-cache";
import { EncoderError } from "../errors.ts";

/**
 * Creates a token bucket per client: `rateLimit` requests may come at once, and they are granted anew over a minute.
 * @returns a function that takes a token of a client, and throws EncoderError RATE_LIMITED where there is none
 */
export function createRateLimit(
  { rateLimit, rateLimitClients }: { rateLimit: number; rateLimitClients: number },
  now: () => number = () => performance.now(),
): (client: string) => void {
  const buckets = new LRUCache<string, { tokens: number; filledAt: number }>({ max: rateLimitClients });
  const tokensPerMs = rateLimit / 60_000;

  return (client) => {
    const at = now();
    const bucket = buckets.get(client) ?? { tokens: rateLimit, filledAt: at };
    const tokens = Math.min(rateLimit, bucket.tokens + (at - bucket.filledAt) * tokensPerMs);
    buckets.set(client, { tokens: tokens < 1 ? tokens : tokens - 1, filledAt: at });
    if (tokens >= 1) return;
    const retryAfterSeconds = Math.ceil((1 - tokens) / tokensPerMs / 1000);
    const message = `More than ${rateLimit} requests in a minute (RATE_LIMIT); try again in ${retryAfterSeconds} s.`;
    throw new EncoderError("RATE_LIMITED", message, { retryAfterSeconds });
  };
}

/**
 * Names the client behind an address: of IPv6, one client has a whole /64 network at least. Some proxies add the port to
 * the address that they forward.
 */
export function clientAt(forwarded: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(forwarded) ?? [];
  const address = bracketed ?? plain ?? forwarded;
  if (!isIPv6(address) || address.includes(".")) return address; // IPv4-mapped ones are spelt ::ffff:1.2.3.4
  const [head = "", tail = ""] = address.split("%", 1)[0]!.split("::");
  const [left, right] = [head, tail].map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(8 - left!.length - right!.length).fill("0");
  return `${[...left!, ...zeros, ...right!].slice(0, 4).join(":")}::/64`;
}
