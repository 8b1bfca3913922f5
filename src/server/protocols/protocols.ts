import type { Protocol } from "../protocol.ts";
import { cohere } from "./cohere.ts";
import { immich } from "./immich.ts";
import { openai } from "./openai.ts";
import { roboflow } from "./roboflow.ts";
import { tei } from "./tei.ts";
import { titan } from "./titan.ts";
import { voyage } from "./voyage.ts";
import { weaviate } from "./weaviate.ts";

/** Protocols of other services that this one speaks. */
const protocols: readonly Protocol[] = [openai, weaviate, roboflow, tei, immich, titan, cohere, voyage];

/** Chooses protocols by the names of the setting PROTOCOLS: all, none, or some. */
export function chosenProtocols(names: readonly string[]): readonly Protocol[] {
  return names.includes("all") ? protocols : protocols.filter(({ name }) => names.includes(name));
}
