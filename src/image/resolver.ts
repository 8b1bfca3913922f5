import { lookup, Resolver } from "node:dns/promises";
import { createLanes } from "../scheduling/lanes.ts";

/** Finds all addresses of a host name, as text. It rejects as soon as the signal aborts. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<string[]>;

export interface ResolverOptions {
  servers?: string[];
  /** Asks the system, which cannot be stopped once it has begun. */
  systemLookup?: (host: string) => Promise<string[]>;
}

/**
 * Asks DNS itself first. The system's lookup, which knows /etc/hosts and search domains, follows only for what DNS has
 * no quick answer to, and one at a time: it runs on libuv's thread pool, where a few names whose server hangs would
 * hold up all texts that are tokenised.
 */
export function createResolver({ servers, systemLookup = lookupAll }: ResolverOptions = {}): Resolve {
  const lane = createLanes({ lanes: 1 });
  return async (host, signal) => {
    const resolver = new Resolver({ timeout: 2000, tries: 2 }); // FETCH_TIMEOUT_MS cuts it short through the signal
    if (servers) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    signal.removeEventListener("abort", cancel);
    signal.throwIfAborted();
    const addresses = found.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const failures = found.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    const hung = failures.find(({ code }) => code === "ETIMEOUT");
    if (hung) throw hung;
    return lane.run(() => systemLookup(host), { signal });
  };
}

async function lookupAll(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
