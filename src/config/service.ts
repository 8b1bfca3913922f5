import { indexFolder } from "./bulk.ts";
import { decodeSettings, engineSettings, fetchSettings, modelSettings } from "./encoder.ts";
import { logSettings, serverSettings } from "./server.ts";
import { settingsWith, type ValuesOf } from "./setting.ts";

/** These are the settings of `serve`, in the order of its help: those of the encoder and those of the HTTP service. */
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

/**
 * Gives every setting of the service, at its default where `given` has no value for it.
 * @throws EncoderError CONFIG_INVALID
 */
export function serviceConfig(given: Partial<ServiceConfig> = {}): ServiceConfig {
  return settingsWith(serviceSettings, given);
}
