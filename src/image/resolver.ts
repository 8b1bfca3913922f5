import { lookup, Resolver } from "node:dns/promises";

/** All addresses of a host name, as text. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<string[]>;

/**
 * Asks DNS itself first. The system's lookup runs on libuv's thread pool, where a few names whose server hangs would hold up
 * every other name. It follows only for what DNS has no quick answer to, such as /etc/hosts and search domains.
 */
export function createResolver({ servers }: { servers?: string[] } = {}): Resolve {
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
    return (await lookup(host, { all: true })).map(({ address }) => address);
  };
}
