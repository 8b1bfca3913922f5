import { indexFolder } from "./bulk.ts";
import { decodeSettings, engineSettings, fetchSettings, modelSettings } from "./encoder.ts";
import { logSettings, serverSettings } from "./server.ts";
import type { ValuesOf } from "./setting.ts";

/** Joins the settings of the encoder and of the HTTP service, in the order in which `serve --help` lists them. */
export const serviceSettings = {
  ...modelSettings,
  ...serverSettings,
  ...decodeSettings,
  ...fetchSettings,
  ...engineSettings,
  ...logSettings,
  index: indexFolder,
};

export type ServiceConfig = ValuesOf<typeof serviceSettings>;
