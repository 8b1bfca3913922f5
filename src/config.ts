import { z } from "zod";
import { EncoderError } from "./errors.ts";

/**
 * One declaration per setting makes the flag (`--max-batch`), the environment variable (`MAX_BATCH`), the default,
 * the help text and docs/configuration.md. `why` justifies the default.
 */
interface Setting<T> {
  schema: z.ZodType<T>;
  default: T;
  /** What a valid value looks like, for error messages: "an integer from 1 to 65535". */
  expects: string;
  help: string;
  why?: string;
  /** Values of this setting are never printed. */
  secret?: boolean;
}

const MiB = 1024 * 1024;

function integer(range: { min: number; max: number }) {
  const schema = z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
    .pipe(z.number().int().min(range.min).max(range.max));
  return { schema: schema as unknown as z.ZodType<number>, expects: `an integer from ${range.min} to ${range.max}` };
}

function text(expects: string, schema: z.ZodType<string> = z.string().min(1)) {
  return { schema, expects };
}

function choice<const T extends string>(...values: T[]) {
  return { schema: z.enum(values) as unknown as z.ZodType<T>, expects: `one of ${values.join(", ")}` };
}

function toggle() {
  const schema = z.union([
    z.boolean(),
    z.enum(["on", "true", "1", "yes"]).transform(() => true),
    z.enum(["off", "false", "0", "no"]).transform(() => false),
  ]);
  return { schema: schema as unknown as z.ZodType<boolean>, expects: "on or off" };
}

function list(expects: string) {
  const schema = z.union([
    z.array(z.string()),
    z.string().transform((value) =>
      value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    ),
  ]);
  return { schema: schema as unknown as z.ZodType<string[]>, expects };
}

function setting<T>(declaration: Setting<T>): Setting<T> {
  return declaration;
}

export const settings = {
  // model
  model: setting({
    ...text("a model's name or a model folder"),
    default: "pictogram-mini",
    help: "Model to serve: an installed model's name, or a model folder.",
    why: "The embedded model needs no download, so a fresh machine answers at once.",
  }),
  modelsDir: setting({
    ...text("a folder"),
    default: "~/.cache/image-text-encoder/models",
    help: "Folder of installed models; ~ is the home folder.",
  }),

  // server
  port: setting({
    ...integer({ min: 0, max: 65535 }),
    default: 5555,
    help: "TCP port to listen on; 0 picks a free one.",
  }),
  host: setting({
    ...text("an IP address or host name"),
    default: "0.0.0.0",
    help: "Address to listen on.",
    why: "A container must be reachable from outside; bind to 127.0.0.1 where only this machine should reach it.",
  }),

  // requests
  maxBodyBytes: setting({
    ...integer({ min: 1024, max: 2047 * MiB }),
    default: 64 * MiB,
    help: "Largest request body.",
    why: "Two images of the largest size as base64, or a batch of some hundred ordinary ones.",
  }),
  maxBatchItems: setting({
    ...integer({ min: 1, max: 100_000 }),
    default: 2048,
    help: "Most texts or images in one request.",
    why: "What OpenAI's clients send at most; larger jobs lose nothing by sending several requests.",
  }),
  maxTextBytes: setting({
    ...integer({ min: 16, max: 64 * MiB }),
    default: 1 * MiB,
    help: "Largest single text, in UTF-8 bytes.",
    why: "Only the first 128 tokens count; whoever sends more than a megabyte has the wrong field.",
  }),
  requestTimeoutMs: setting({
    ...integer({ min: 100, max: 3_600_000 }),
    default: 30_000,
    help: "A request that is not answered by then gets 504.",
    why: "Longer than a full queue takes to drain, shorter than clients and proxies wait (60 s is common).",
  }),

  // images
  maxImageBytes: setting({
    ...integer({ min: 1024, max: 1024 * MiB }),
    default: 20 * MiB,
    help: "Largest encoded image.",
    why: "A 50-megapixel camera's JPEG is about 20 MB.",
  }),
  maxImagePixels: setting({
    ...integer({ min: 1, max: 2_000_000_000 }),
    default: 64_000_000,
    help: "Most pixels of one image, read from its header before decoding.",
    why: "64 megapixels are 192 MB decoded; phone cameras go to 50.",
  }),
  decodeTimeoutMs: setting({
    ...integer({ min: 50, max: 600_000 }),
    default: 10_000,
    help: "Longest decoding time of one image.",
    why: "A 64-megapixel PNG takes about 2 s on one slow core; a busy machine may take a few times that.",
  }),
  decodeProcesses: setting({
    ...integer({ min: 0, max: 256 }),
    default: 0,
    help: "Processes that decode images; 0 means one per available core, at most 8.",
    why: "Decoding is single-threaded per image; a process of its own keeps a decoder crash away from the service.",
  }),
  maxDecodeQueue: setting({
    ...integer({ min: 1, max: 1_000_000 }),
    default: 256,
    help: "Images that may wait for a decoder; beyond it requests get 429.",
    why: "Two to eight seconds of work on two cores.",
  }),
  maxDecoderBytes: setting({
    ...integer({ min: 128 * MiB, max: 64 * 1024 * MiB }),
    default: 1024 * MiB,
    help: "Memory that a decoder may take while it decodes; an image that needs more is refused.",
    why: "The largest allowed picture in the hungriest format (TODO) takes TODO.",
  }),

  // image URLs
  imageUrls: setting({ ...toggle(), default: true, help: "Whether images may be given by URL." }),
  allowPrivateUrls: setting({
    ...toggle(),
    default: false,
    help: "Allow image URLs that point to private, loopback or otherwise special addresses.",
    why: "Off, since whoever may send a URL could otherwise read this network's internal services.",
  }),
  urlAllowlist: setting({
    ...list("a comma-separated list of host patterns"),
    default: [] as string[],
    help: "Host patterns (images.example.com, *.example.com, 10.0.0.5) that image URLs may use even at private addresses; if set, no other host is fetched.",
  }),
  fetchTimeoutMs: setting({
    ...integer({ min: 50, max: 600_000 }),
    default: 10_000,
    help: "Total time to fetch one image URL.",
  }),
  fetchConnectTimeoutMs: setting({
    ...integer({ min: 50, max: 600_000 }),
    default: 3_000,
    help: "Time to connect to an image URL's server.",
  }),
  fetchIdleTimeoutMs: setting({
    ...integer({ min: 50, max: 600_000 }),
    default: 3_000,
    help: "Longest silence while an image URL is being read.",
  }),
  maxRedirects: setting({ ...integer({ min: 0, max: 10 }), default: 3, help: "Redirects followed for one image URL." }),
  fetchConcurrency: setting({
    ...integer({ min: 1, max: 1024 }),
    default: 32,
    help: "Image URLs fetched at the same time.",
    why: "Keeps the encoder fed at 100 images/s with 300 ms per fetch, without flooding a small site.",
  }),

  maxFetchQueue: setting({
    ...integer({ min: 0, max: 100_000 }),
    default: 512,
    help: "Image URLs that may wait to be fetched; beyond it requests get 429.",
    why: "At 32 at a time and 300 ms each, five seconds of waiting.",
  }),

  // engine
  threads: setting({
    ...integer({ min: 0, max: 1024 }),
    default: 0,
    help: "Threads per engine; 0 means as many as this process may use cores (cgroup quotas count).",
  }),
  replicas: setting({ ...integer({ min: 1, max: 256 }), default: 1, help: "Engines per tower." }),
  maxImageBatch: setting({
    ...integer({ min: 1, max: 1024 }),
    default: 16,
    help: "Most images in one run of the image tower.",
    why: "Throughput is flat from 8 on, and a larger batch only makes the next one wait.",
  }),
  maxTextBatch: setting({
    ...integer({ min: 1, max: 4096 }),
    default: 32,
    help: "Most texts in one run of the text tower.",
    why: "Throughput is flat from 32 on, and a larger batch only makes the next one wait.",
  }),
  maxBatchTokens: setting({
    ...integer({ min: 128, max: 1_000_000 }),
    default: 2048,
    help: "Most tokens in one run of the text tower, padding included.",
    why: "A full batch of sentences fits; a batch of long texts stays short enough not to hold up the next query.",
  }),
  maxImageQueue: setting({
    ...integer({ min: 1, max: 1_000_000 }),
    default: 256,
    help: "Decoded images that may wait for the image tower; beyond it requests get 429.",
    why: "150 kB each, so 38 MB; two to eight seconds of work on two cores.",
  }),
  maxTextQueue: setting({
    ...integer({ min: 1, max: 1_000_000 }),
    default: 8192,
    help: "Texts that may wait for the text tower; beyond it requests get 429.",
    why: "Four requests of the largest size; texts are small, and the deadline bounds how long they wait.",
  }),
  engineTimeoutMs: setting({
    ...integer({ min: 100, max: 3_600_000 }),
    default: 60_000,
    help: "A batch that takes longer is given up, and its engine replaced.",
    why: "Many times what the largest batch takes on one slow core; only a hang takes longer.",
  }),
  cacheSize: setting({
    ...integer({ min: 0, max: 10_000_000 }),
    default: 0,
    help: "Vectors kept in a result cache (2 KiB each); 0 switches it off.",
    why: "Most indexing jobs never see an input twice.",
  }),

  // logs
  logLevel: setting({
    ...choice("fatal", "error", "warn", "info", "debug", "trace", "silent"),
    default: "info" as const,
    help: "Least severe level that is logged.",
  }),
} satisfies Record<string, Setting<never> | Setting<unknown>>;

export type SettingName = keyof typeof settings;
type ValueOf<S> = S extends Setting<infer T> ? T : never;
export type Config = { [K in SettingName]: ValueOf<(typeof settings)[K]> };

/** `maxBatchItems` -> `MAX_BATCH_ITEMS` */
export function environmentName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `maxBatchItems` -> `max-batch-items` */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Every setting at its default, with `overrides` in place. Values are checked. */
export function configWith(overrides: Partial<Config> = {}): Config {
  return parse((name) => {
    const value = overrides[name];
    return value === undefined ? undefined : { value, source: name };
  });
}

/**
 * Reads settings from flags (already split by node:util parseArgs, keyed by flag name) and environment; flags win.
 * An empty environment variable counts as not set.
 * @throws EncoderError CONFIG_INVALID naming the variable, what was expected and what was received.
 */
export function readConfig(input: { flags: Record<string, unknown>; env: Record<string, string | undefined> }): Config {
  return parse((name) => {
    const flag = input.flags[flagName(name)];
    if (flag !== undefined) return { value: flag, source: `--${flagName(name)}` };
    const variable = input.env[environmentName(name)];
    return variable === undefined || variable === "" ? undefined : { value: variable, source: environmentName(name) };
  });
}

function parse(given: (name: SettingName) => { value: unknown; source: string } | undefined): Config {
  const values = Object.entries(settings).map(([name, declaration]) => {
    const input = given(name as SettingName);
    if (input === undefined) return [name, declaration.default];
    const parsed = declaration.schema.safeParse(input.value);
    if (parsed.success) return [name, parsed.data];
    const received =
      "secret" in declaration && declaration.secret ? "a value that does not fit" : JSON.stringify(input.value);
    throw new EncoderError("CONFIG_INVALID", `${input.source}: expected ${declaration.expects}, received ${received}`);
  });
  return Object.fromEntries(values) as Config; // every key of `settings` was parsed by its own schema
}
