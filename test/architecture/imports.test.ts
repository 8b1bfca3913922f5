import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/** Which parts may import which. A part is a folder of src/, or a file directly in it. */
const mayImport: Record<string, string[]> = {
  index: ["encoder", "errors", "models"],
  cli: ["server", "hub", "encoder", "build", "models", "config", "errors", "metrics"],
  server: ["encoder", "config", "errors", "metrics", "one-at-a-time"],
  hub: ["build", "models", "config", "errors"],
  encoder: [
    "tower",
    "request-scope",
    "probe",
    "build",
    "text",
    "image",
    "engine",
    "models",
    "config",
    "errors",
    "available-cores",
  ],
  tower: ["engine"],
  "request-scope": [],
  probe: [],
  build: ["models", "engine", "text", "image", "config", "errors", "available-cores"],
  models: ["errors"],
  engine: ["errors", "compiled-entry", "pace"],
  text: ["errors", "one-at-a-time"],
  image: ["errors", "available-cores", "compiled-entry", "one-at-a-time", "pace"],
  metrics: ["event-loop"],
  "event-loop": [],
  config: ["errors"],
  errors: [],
  pace: [],
  "available-cores": [],
  "compiled-entry": [],
  "one-at-a-time": [],
};

/** Types may also go between the parts that hold towers' data. */
const mayImportTypes: Record<string, string[]> = {
  text: ["engine", "config"],
  image: ["engine", "config"],
  metrics: ["encoder"],
  server: ["models"],
  tower: [],
  hub: ["encoder"],
};

const onlyIn: Record<string, string> = {
  "onnxruntime-node": "engine/session.ts",
  tokenizers: "text/tokenizer.ts",
};

const root = resolve(import.meta.dirname, "../../src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const partOf = (file: string) => file.split("/")[0]!.replace(/\.ts$/, "");

const imports = files.flatMap((file) => {
  const source = readFileSync(join(root, file), "utf8");
  const statements = source.matchAll(/^(?:import|export)\s(?<what>[^;]*?)\sfrom\s+"(?<from>[^"]+)"/gms);
  const dynamic = source.matchAll(/\bimport\("(?<from>[^"]+)"\)/g);
  return [...statements, ...dynamic].map(({ groups }) => ({
    file,
    from: groups!.from!,
    typeOnly: groups!.what?.startsWith("type ") ?? false,
  }));
});

describe("imports", () => {
  it("are found at all", () => {
    expect(imports.length).toBeGreaterThan(20);
  });

  it("point one way only", () => {
    const wrong = imports
      .filter(({ from }) => from.startsWith("."))
      .map((it) => ({
        ...it,
        part: partOf(it.file),
        target: partOf(relative(root, resolve(root, dirname(it.file), it.from))),
      }))
      .filter(({ part, target }) => part !== target && !mayImport[part]?.includes(target))
      .filter(({ part, target, typeOnly }) => !(typeOnly && mayImportTypes[part]?.includes(target)))
      .map(({ file, from }) => `${file} imports ${from}`);
    expect(wrong).toEqual([]);
  });

  it("name ONNX Runtime, the tokenizer and sharp in one module each", () => {
    for (const [library, place] of Object.entries(onlyIn)) {
      expect(imports.filter(({ from, typeOnly }) => from === library && !typeOnly).map(({ file }) => file)).toEqual([
        place,
      ]);
    }
    const sharp = imports.filter(({ from, typeOnly }) => from === "sharp" && !typeOnly);
    expect(sharp).toHaveLength(1);
    expect(partOf(sharp[0]!.file)).toBe("image");
  });

  it("come with no file that reads the environment, prints or exits outside the command line", () => {
    const guilty = files
      .filter((file) => partOf(file) !== "cli" && !file.endsWith("-main.ts")) // the entry of a process of its own
      .filter((file) => /\bprocess\.(env|exit|stdout|stderr)\b|console\./.test(readFileSync(join(root, file), "utf8")));
    expect(guilty).toEqual([]);
  });
});

describe("source files", () => {
  it("have at most 400 lines", () => {
    const long = files.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 401);
    expect(long).toEqual([]);
  });
});
