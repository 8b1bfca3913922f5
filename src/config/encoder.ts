import { z } from "zod";
import { type FetchHeaders, fetchHeadersSchema } from "./fetch-headers.ts";
import { choice, integer, list, MiB, text, toggle, type ValuesOf } from "./setting.ts";

/** Accepts a host as `URL.hostname` spells it (IPv6 without brackets), so that comparing strings is enough. */
const hostPattern = z
  .string()
  .toLowerCase()
  .refine((value) => {
    const host = value.replace(/^\*\./, "");
    const url = `http://${host.includes(":") ? `[${host}]` : host}`;
    return !host.includes("*") && URL.canParse(url) && `http://${new URL(url).hostname}` === url;
  });

/** What was accepted has this long to be done when an encoder or the service closes. */
export const defaultDrainMs = 25_000;

export const modelSettings = {
  model: text("a model's name or a model folder", {
    default: "everyday-mini",
    help: "Model to serve: an installed model's name, or a model folder.",
    why: "The embedded model needs no download, so a fresh machine answers at once.",
  }),
  modelsDir: text("a folder", {
    default: "~/.cache/image-text-encoder/models",
    help: "Folder of installed models; ~ is the home folder.",
  }),
};

export const decodeSettings = {
  maxImageBytes: integer(1024, 1024 * MiB, {
    default: 20 * MiB,
    help: "Largest encoded image.",
    why: "A 50-megapixel camera's JPEG is about 20 MB.",
  }),
  maxImagePixels: integer(1, 2_000_000_000, {
    default: 64_000_000,
    help: "Most pixels of one image, read from its header before decoding.",
    why: "64 megapixels are 192 MB decoded; phone cameras go to 50.",
  }),
  decodeTimeoutMs: integer(50, 600_000, {
    default: 10_000,
    help: "Longest decoding time of one image.",
    why: "A 64-megapixel PNG takes about 2 s on one slow core; a busy machine may take a few times that.",
  }),
  decodeProcesses: integer(0, 256, {
    default: 0,
    help: "Most processes that decode images; 0 means one per available core, at most 8, or 64 beside a GPU.",
    why: "Decoding is single-threaded per image, in a process whose crash is not the service's. One is kept; others start when images wait, and end when they are not used.",
  }),
  maxDecoderBytes: integer(128 * MiB, 64 * 1024 * MiB, {
    default: 1280 * MiB,
    help: "Memory that a decoder may take while it decodes; an image that needs more is refused.",
    why: "64 megapixels take 1.0 GB as AVIF, 0.8 GB as an interlaced 16-bit PNG, 0.6 GB or less as anything else.",
  }),
  heic: toggle({
    default: true,
    help: "Whether HEIC images are read.",
    why: "Telephones write nothing else. Off spares what HEVC's patents may ask of a business in some countries.",
  }),
  lenientImages: toggle({
    default: false,
    help: "Decode what there is of a damaged or truncated image, and say so in the answer (x-image-incomplete).",
    why: "Off, since half a picture's vector looks like any other.",
  }),
};

export const fetchSettings = {
  imageUrls: toggle({ default: true, help: "Whether images may be given by URL." }),
  allowPrivateUrls: toggle({
    default: false,
    help: "Allow image URLs that point to private, loopback or otherwise special addresses.",
    why: "Off, since whoever may send a URL could otherwise read this network's internal services.",
  }),
  urlAllowlist: list("a comma-separated list of hosts without scheme or port, *. in front for all names below one", {
    items: z.array(hostPattern),
    default: [],
    help: "Host patterns (images.example.com, *.example.com, 10.0.0.5) that image URLs may use even at private addresses; if set, no other host is fetched.",
  }),
  fetchTimeoutMs: integer(50, 600_000, { default: 10_000, help: "Total time to fetch one image URL." }),
  fetchConnectTimeoutMs: integer(50, 600_000, { default: 3_000, help: "Time to connect to an image URL's server." }),
  fetchIdleTimeoutMs: integer(50, 600_000, {
    default: 3_000,
    help: "Longest silence while an image URL is being read.",
  }),
  maxRedirects: integer(0, 10, {
    default: 5,
    help: "Redirects followed for one image URL.",
    why: "A shortened link to a site that moved to https and www has four.",
  }),
  fetchUserAgent: text("a user agent", {
    schema: z.string().regex(/^[\x20-\x7e]{0,500}$/),
    default: "",
    help: "User agent of requests for image URLs; without one, the name and version of this program.",
    why: "Some sites, such as Wikimedia's, ask for an address of the person who fetches: put yours here.",
  }),
  fetchHeaders: {
    ...fetchHeadersSchema(),
    default: {} as FetchHeaders,
    secret: true,
    help: `Headers for the hosts of image URLs, as JSON: {"images.example.com": {"authorization": "Bearer …"}}. They go to that host over https alone (write http://host for http), and not across a redirect to another host.`,
  },
  fetchConcurrency: integer(1, 1024, {
    default: 32,
    help: "Image URLs fetched at the same time.",
    why: "Keeps the encoder fed at 100 images/s with 300 ms per fetch, without flooding a small site.",
  }),
  maxFetchQueue: integer(0, 100_000, {
    default: 512,
    help: "Image URLs that may wait to be fetched; beyond it requests get 429.",
    why: "At 32 at a time and 300 ms each, five seconds of waiting.",
  }),
  maxFetchedBytes: integer(1, 1024 * 1024 * MiB, {
    default: 128 * MiB,
    help: "While images that were fetched and are not answered yet hold this many bytes, no other fetch begins.",
    why: "Some hundred photographs; those that are being fetched at that moment come on top.",
  }),
};

/** Bounds the towers: their engines, batches and queues. */
export const engineSettings = {
  device: choice(["cpu", "cuda", "auto"], {
    default: "cpu",
    help: "What runs the graphs: the processor, an NVIDIA GPU, or auto, the GPU where one can be used.",
    why: "A GPU needs ONNX Runtime's CUDA provider, which is fetched by a step of its own (docs/deployment.md).",
  }),
  threads: integer(0, 1024, {
    default: 0,
    help: "Threads per engine; 0 divides the cores that this process may use among the engines (cgroup quotas count).",
  }),
  replicas: integer(0, 256, {
    default: 0,
    help: "Engines per tower; 0 means one for every four cores, at least one; for encode and index, one per core. When items wait, as many engines of one thread as these have threads take over.",
    why: "One image gets four cores at least; more threads in one engine would wait for one another too much. Engines share packed weights, for which MODELS_DIR or the temporary folder needs twice a model's room on a disk; elsewhere there are no others for load, and encode and index have four at most.",
  }),
  maxImageBatch: integer(0, 1024, {
    default: 0,
    help: "Most images in one run of the image tower; 0 means 4 for each thread of an engine, at int8 3 where the processor has 8-bit products (VNNI, AMX) and else 2; 8 in encode and index; and 64 on a GPU. Engines of one thread, which take over under load, have one thread's part of it, and the other engines then half of that.",
    why: "Larger batches are up to a tenth faster on a processor. They take more memory, and the next one waits for longer.",
  }),
  maxTextBatch: integer(0, 4096, {
    default: 0,
    help: "Most texts in one run of the text tower; 0 means 8 for each thread of an engine, 32 in encode and index, and 64 on a GPU.",
    why: "As for images.",
  }),
  maxBatchTokens: integer(0, 1_000_000, {
    default: 0,
    help: "Most tokens in one run of the text tower, padding included, but one text may have more; 0 means 128 for each thread of an engine, 512 in encode and index, and 2048 on a GPU.",
    why: "A full batch of sentences fits; a batch of long texts takes little memory and does not hold up the next query.",
  }),
  maxImageQueue: integer(1, 1_000_000, {
    default: 256,
    help: "Images that may wait to be decoded and for the image tower; beyond it requests get 429. One request alone may have more.",
    why: "150 kB each once decoded, so 38 MB. What could not be done within REQUEST_TIMEOUT_MS is refused before.",
  }),
  maxTextQueue: integer(1, 1_000_000, {
    default: 8192,
    help: "Texts that may wait for the text tower; beyond it requests get 429. One request alone may have more.",
    why: "Four requests of the largest size; texts are small. What could not be done within REQUEST_TIMEOUT_MS is refused before.",
  }),
  engineTimeoutMs: integer(100, 3_600_000, {
    default: 60_000,
    help: "A batch that takes longer is given up, and its engine replaced.",
    why: "Many times what the largest batch takes on one slow core; only a hang takes longer.",
  }),
  cacheSize: integer(0, 10_000_000, {
    default: 0,
    help: "Vectors kept in a result cache (2 KiB each); 0 switches it off.",
    why: "Most indexing jobs never see an input twice.",
  }),
};

export const encoderSettings = { ...modelSettings, ...decodeSettings, ...fetchSettings, ...engineSettings };

export type EncoderConfig = ValuesOf<typeof encoderSettings>;
