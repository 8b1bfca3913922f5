import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { hubSettings } from "../../src/config/hub.ts";
import { serviceSettings } from "../../src/config/service.ts";
import { environmentName } from "../../src/config/setting.ts";

const root = resolve(import.meta.dirname, "../..");
const text = readFileSync(resolve(root, "SECURITY.md"), "utf8");
const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);

describe("SECURITY.md", () => {
  it("names only settings that exist", () => {
    const named = quoted
      .flatMap((code) => /^[A-Z][A-Z_]+(?==|$)/.exec(code)?.[0] ?? [])
      .filter((name) => name !== "GET");
    expect(named.length).toBeGreaterThan(30);
    const known = Object.keys({ ...serviceSettings, ...hubSettings }).map(environmentName);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it("names only files that exist", () => {
    const files = quoted.filter((code) => /^(src\/|\w+\.yaml)/.test(code));
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((path) => !existsSync(resolve(root, path)))).toEqual([]);
  });
});
