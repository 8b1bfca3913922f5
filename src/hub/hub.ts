import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EnvHttpProxyAgent, fetch, type RequestInit, type Response } from "undici";
import { type HubConfig, tokenPattern } from "../config/hub.ts";
import { EncoderError } from "../errors.ts";
import { withHome } from "../model/locate.ts";

/** Says where checkpoints come from, and how that place is spoken to. */
export interface Hub {
  /** URL without a slash at its end. */
  endpoint: string;
  token: string | undefined;
  /** Cache of Python's huggingface_hub, which is only read. */
  cacheDir: string;
  /** If true, only the cache and what was downloaded before may be used. */
  offline: boolean;
  /** Tries in a row without a single new byte after which a download is given up. */
  attempts: number;
  /** Files downloaded at the same time. */
  concurrency: number;
  fetch(url: URL, init: RequestInit): Promise<Response>;
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
  close(): Promise<void>;
}

export async function openHub(config: HubConfig): Promise<Hub> {
  const hfHome = withHome(config.hfHome);
  const stallMs = config.downloadStallTimeoutMs;
  const agent = new EnvHttpProxyAgent({
    httpProxy: config.httpProxy,
    httpsProxy: config.httpsProxy,
    noProxy: config.noProxy,
    connect: { timeout: stallMs },
    headersTimeout: stallMs,
    bodyTimeout: stallMs, // between two pieces of the body, not for all of it
  });
  return {
    endpoint: config.hfEndpoint.replace(/\/+$/, ""),
    token: config.hfToken || (await readToken(withHome(config.hfTokenPath) || join(hfHome, "token"))),
    cacheDir: withHome(config.hfHubCache) || join(hfHome, "hub"),
    offline: config.hfHubOffline,
    attempts: config.downloadAttempts,
    concurrency: config.downloadConcurrency,
    fetch: (url, init) => fetch(url, { ...init, dispatcher: agent }),
    wait: (ms, signal) => sleep(ms, undefined, { signal }),
    close: () => agent.destroy(),
  };
}

async function readToken(path: string): Promise<string | undefined> {
  const token = await readFile(path, "utf8").catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return ""; // fs throws nothing else
    throw new EncoderError("CONFIG_INVALID", "The Hub token's file (HF_TOKEN_PATH) cannot be read.", { cause });
  });
  if (token.trim() === "") return undefined;
  if (tokenPattern.test(token.trim())) return token.trim();
  throw new EncoderError("CONFIG_INVALID", "The Hub token's file (HF_TOKEN_PATH) holds something else than a token.");
}
