import type { Protocol } from "../protocol.ts";
import { tei } from "./tei.ts";

/** The protocols of other services that this one speaks, by the names that PROTOCOLS knows. */
export const protocols: readonly Protocol[] = [tei];
