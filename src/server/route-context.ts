import type { requestSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import type { Encoder } from "../encoder/encoder.ts";
import type { EncodeFor } from "./encode.ts";
import type { ReadItems } from "./items.ts";
import type { CheckModel } from "./model-names.ts";

export type RequestLimits = ValuesOf<typeof requestSettings> & { maxImageBytes: number };

/** Holds what the routes that encode work with. A handler reads items, encodes them and frames the vectors. */
export interface RouteContext {
  manifest: Encoder["manifest"];
  limits: RequestLimits;
  /** Protocols in which requests name a model use this. */
  checkModel: CheckModel;
  readItems: ReadItems;
  encode: EncodeFor;
}
