import { z } from "zod";
import { integer, text, toggle, type ValuesOf } from "./setting.ts";

const asForCurl = { default: "", lowerCase: true };
const proxy = (help: string) =>
  text("an http or https URL, or host:port", {
    ...{ ...asForCurl, secret: true, help },
    schema: z
      .string()
      .transform((given) => (/^\w+:\/\//.test(given) ? given : `http://${given}`)) // as curl takes it
      .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)),
  });

/** A token stands in a header, whose characters it may have. */
export const tokenPattern = /^[\x21-\x7e]+$/;

/** Declares the settings of downloads. Those that start with HF_ have the names that Hugging Face's own tools read. */
export const hubSettings = {
  hfEndpoint: text("an http or https URL without a user", {
    schema: z.url({ protocol: /^https?$/ }).refine((url) => new URL(url).username + new URL(url).password === ""),
    default: "https://huggingface.co",
    help: "The Hub, or a mirror of it.",
  }),
  hfToken: text("a Hub token", {
    schema: z.string().regex(tokenPattern),
    default: "",
    secret: true,
    help: "Token for private and gated repositories; sent to the Hub's own host only.",
  }),
  hfTokenPath: text("a file", { default: "", help: "File that holds the token; if not set, `token` in HF_HOME." }),
  hfHome: text("a folder", {
    default: "~/.cache/huggingface",
    help: "Folder of Hugging Face's Python tools, where their token and downloads are looked for.",
  }),
  hfHubCache: text("a folder", {
    default: "",
    help: "Their downloads, which are used instead of downloading again; if not set, `hub` in HF_HOME.",
  }),
  hfHubOffline: toggle({ default: false, help: "Never ask the Hub; use only what is on this machine." }),
  httpsProxy: proxy("Proxy for https downloads of models; image URLs are never fetched through it."),
  httpProxy: proxy("Proxy for http downloads of models."),
  noProxy: text("a comma-separated list of hosts", { ...asForCurl, help: "Hosts that are reached without a proxy." }),
  downloadStallTimeoutMs: integer(100, 3_600_000, {
    default: 30_000,
    help: "Longest silence of a download before its connection is given up and made anew.",
    why: "Far longer than a healthy connection pauses, and short enough that a dead one costs little.",
  }),
  downloadAttempts: integer(1, 1000, {
    default: 8,
    help: "Tries in a row without any progress before a download fails; what arrived is kept for the next pull.",
    why: "With the waits between them about a minute, which outlasts a restart of a router or a mirror.",
  }),
  downloadConcurrency: integer(1, 64, {
    default: 4,
    help: "Files downloaded at the same time.",
    why: "Both weight files run side by side with the small ones; more connections would only share the same line.",
  }),
};

export type HubConfig = ValuesOf<typeof hubSettings>;
