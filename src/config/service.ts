import { encodingSettings, modelSettings } from "./encoder.ts";
import { logSettings, serverSettings } from "./server.ts";
import { settingsWith, type ValuesOf } from "./setting.ts";

/** Everything that `serve` takes, in the order of its help: the encoder's settings and those of the HTTP service. */
export const serviceSettings = { ...modelSettings, ...serverSettings, ...encodingSettings, ...logSettings };

export type ServiceConfig = ValuesOf<typeof serviceSettings>;

/** Every setting of the service, at its default where `given` has no value for it. @throws EncoderError CONFIG_INVALID */
export function serviceConfig(given: Partial<ServiceConfig> = {}): ServiceConfig {
  return settingsWith(serviceSettings, given);
}
