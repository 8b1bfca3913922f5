import { describe, expect, it } from "vitest";
import {
  decodeSettings,
  encoderSettings,
  engineSettings,
  fetchSettings,
  modelSettings,
} from "../../src/config/encoder.ts";
import { serverSettings } from "../../src/config/server.ts";
import { serviceSettings } from "../../src/config/service.ts";
import { pickSettings, type SettingTable, settingsWith } from "../../src/config/setting.ts";
import { createEncoder } from "../../src/index.ts";

const groups: SettingTable[] = [modelSettings, decodeSettings, fetchSettings, engineSettings, serverSettings];

describe("the encoder's settings", () => {
  it.each(["apiKeys", "port", "logLevel", "maxImageBytez", "toString"])(
    "are no %s, which is refused by name",
    async (key) => {
      const foreign = { [key]: "secret" };
      const error = { code: "CONFIG_INVALID", message: expect.stringContaining(`"${key}"`) };
      await expect(createEncoder(foreign)).rejects.toMatchObject(error);
      await expect(createEncoder(foreign)).rejects.not.toThrow(/secret/);
      expect(() => settingsWith(encoderSettings, foreign)).toThrow();
    },
  );

  it("belong to one part each", () => {
    const names = groups.flatMap((group) => Object.keys(group));
    expect(names.length).toBeGreaterThan(40);
    expect([...new Set(names)]).toEqual(names);
  });

  it("hold no secret that a decoder, an engine or the choice of a model could be handed", () => {
    const config = settingsWith(serviceSettings, { apiKeys: ["marked"] });
    for (const group of [modelSettings, decodeSettings, engineSettings] as SettingTable[]) {
      expect(Object.values(group).filter(({ secret }) => secret)).toEqual([]);
      expect(JSON.stringify(pickSettings(group, config))).not.toContain("marked");
    }
  });
});
