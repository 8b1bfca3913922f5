import type { requestSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import type { Encoder } from "../encoder/encoder.ts";
import type { EncodeFor } from "./encode.ts";
import type { ReadItems } from "./items.ts";
import type { CheckModel } from "./model-names.ts";

/** What a request may hold. */
export type RequestLimits = ValuesOf<typeof requestSettings> & { maxImageBytes: number };

/** What the routes that encode work with. A handler reads items, encodes them and frames the vectors. */
export interface RouteContext {
  manifest: Encoder["manifest"];
  limits: RequestLimits;
  /** For protocols in which requests name a model. */
  checkModel: CheckModel;
  readItems: ReadItems;
  encode: EncodeFor;
}
