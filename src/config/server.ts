import { z } from "zod";
import { defaultDrainMs } from "./encoder.ts";
import { choice, integer, list, MiB, text, toggle } from "./setting.ts";

const namedNetwork = z.enum(["loopback", "linklocal", "uniquelocal"]);
const proxyAddress = z.union([namedNetwork, z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

const origin = z.string().refine((value) => value === "*" || (URL.canParse(value) && new URL(value).origin === value));

/** Protocols of other services that are spoken here. */
export const protocolNames = ["openai", "weaviate", "roboflow", "tei", "immich", "titan", "cohere", "voyage"] as const;

const protocolChoice = z
  .array(z.enum([...protocolNames, "all", "none"]))
  .min(1)
  .refine((names) => names.length === 1 || !names.some((name) => name === "all" || name === "none"));

const listenSettings = {
  port: integer(0, 65535, { default: 5555, help: "TCP port to listen on; 0 picks a free one." }),
  host: text("an IP address or host name", {
    default: "0.0.0.0",
    help: "Address to listen on.",
    why: "A container must be reachable from outside; bind to 127.0.0.1 where only this machine should reach it.",
  }),
  drainTimeoutMs: integer(0, 3_600_000, {
    default: defaultDrainMs,
    help: "After SIGTERM, how long requests in flight may take to finish.",
    why: "Kubernetes kills after 30 s.",
  }),
};

export const connectionSettings = {
  maxConnections: integer(1, 1_000_000, {
    default: 2048,
    help: "Connections at the same time; more are closed at once.",
    why: "Each costs a file descriptor and some 20 kB; the usual descriptor limit of a container is far above.",
  }),
  headersTimeoutMs: integer(100, 600_000, {
    default: 10_000,
    help: "Time for a request's headers to arrive; then 408.",
    why: "Headers are one packet or two; only an attacker sends them byte by byte.",
  }),
  bodyTimeoutMs: integer(100, 3_600_000, {
    default: 60_000,
    help: "Time for a whole request, body included, to arrive; then 408.",
    why: "The largest body at 9 Mbit/s; a connection that trickles is freed after a minute.",
  }),
  keepAliveTimeoutMs: integer(0, 3_600_000, {
    default: 65_000,
    help: "How long an idle connection is kept.",
    why: "Longer than the 60 s of common proxies, so that it is they who close, and no request meets a closing connection.",
  }),
  trustProxy: list(
    "a comma-separated list of addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal",
    {
      items: z.array(proxyAddress),
      default: [],
      help: "Proxies whose x-forwarded-for header is believed, for rate limits and logs.",
      why: "None, since any client can send that header.",
    },
  ),
};

export const requestSettings = {
  maxBodyBytes: integer(1024, 512 * MiB, {
    default: 64 * MiB,
    help: "Largest request body.",
    why: "Two images of the largest size as base64, or a batch of some hundred ordinary ones. V8's longest string sets the upper bound.",
  }),
  maxBatchItems: integer(1, 100_000, {
    default: 2048,
    help: "Most texts or images in one request.",
    why: "What OpenAI's clients send at most; larger jobs lose nothing by sending several requests.",
  }),
  maxTextBytes: integer(16, 64 * MiB, {
    default: 1 * MiB,
    help: "Largest single text, in UTF-8 bytes.",
    why: "Only the first 128 tokens count; whoever sends more than a megabyte has the wrong field.",
  }),
  requestTimeoutMs: integer(100, 3_600_000, {
    default: 30_000,
    help: "A request that is not answered by then, counted from the arrival of its body, gets 504. One that would wait for a third of it gets 429 at once.",
    why: "Shorter than clients and proxies wait (60 s is common), and long enough for the largest batches.",
  }),
};

export const admissionSettings = {
  maxInFlightRequests: integer(1, 1_000_000, {
    default: 1024,
    help: "Encode requests worked on at the same time; more get 429.",
    why: "Above what the queues hold of single images, and some kilobytes each besides their bodies.",
  }),
  maxInFlightBytes: integer(1024, 1024 * 1024 * MiB, {
    default: 128 * MiB,
    help: "Bytes of request bodies held at the same time; more get 429. A single request is let in whatever its size.",
    why: "Two of the largest bodies, or a thousand ordinary images. Decoding base64 takes up to three times as much memory.",
  }),
};

export const healthSettings = {
  healthMaxAgeMs: integer(0, 3_600_000, {
    default: 30_000,
    help: "An inference that succeeded this recently counts as health; else /health runs one.",
    why: "An idle service runs one small probe per usual check interval.",
  }),
  healthTimeoutMs: integer(50, 600_000, {
    default: 5_000,
    help: "A health probe that takes longer is unhealthy.",
    why: "Longer than the largest batch that can be ahead of it, in the time that orchestrators commonly grant.",
  }),
};

export const accessSettings = {
  apiKeys: list("a comma-separated list of keys", {
    default: [],
    secret: true,
    help: "Keys of which each request but health checks must carry one, as `authorization: Bearer KEY` or `x-api-key: KEY`. Empty asks for none.",
  }),
  rateLimit: integer(0, 1_000_000_000, {
    default: 0,
    help: "Requests per minute and client (API key, else address, of IPv6 its /64 network); as many may come at once. Health checks, the page and the documents are not counted. 0 switches it off.",
    why: "Overload is shed anyway; set it where clients must not crowd each other out.",
  }),
  rateLimitClients: integer(1, 10_000_000, {
    default: 100_000,
    help: "Clients whose rate is remembered; beyond it the one not seen for longest is forgotten.",
    why: "About 20 MB at most.",
  }),
};

export const protocolSettings = {
  protocols: list(`all, none, or a comma-separated list of ${protocolNames.join(", ")}`, {
    items: protocolChoice,
    default: ["all"],
    help: "Protocols of other services that are spoken besides the native routes.",
    why: "A client that speaks one of them needs no more than this service's address.",
  }),
  modelAliases: list("a comma-separated list of models' names", {
    default: [],
    help: "Names besides its own by which clients of those protocols may ask for the served model.",
    why: "None: other models have vectors of the same length, and a wrong one shows in nothing but bad search.",
  }),
  acceptAnyModel: toggle({
    default: false,
    help: "Whether those clients may ask for a model by any name.",
  }),
};

const operationSettings = {
  corsOrigins: list("a comma-separated list of origins such as https://app.example.com, or *", {
    items: z.array(origin),
    default: [],
    help: "Origins whose web pages may call this service; * is any.",
    why: "None, since a page anywhere could otherwise use a service that only its visitor can reach.",
  }),
  adminPort: integer(0, 65535, { default: 0, help: "Port that /metrics moves to; 0 leaves it on PORT." }),
  metrics: toggle({ default: true, help: "Whether GET /metrics is served." }),
  docs: toggle({ default: true, help: "Whether /openapi.json and the page /docs are served." }),
  page: toggle({ default: true, help: "Whether the page at / is served." }),
};

/** Declares the HTTP service's settings: where it listens, what it accepts, who may ask, what it tells. */
export const serverSettings = {
  ...listenSettings,
  ...connectionSettings,
  ...requestSettings,
  ...admissionSettings,
  ...healthSettings,
  ...accessSettings,
  ...protocolSettings,
  ...operationSettings,
};

export const logSettings = {
  logLevel: choice(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    default: "info",
    help: "Least severe level that is logged.",
  }),
};
