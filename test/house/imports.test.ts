import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/** Each room may import these. A room is a folder of src/ or a file directly in it. */
const mayImport: Record<string, string[]> = {
  index: ["encoder", "errors", "model"],
  cli: [
    ...["server", "bulk", "queue", "search", "hub", "encoder", "build", "image", "model", "storage", "host"],
    ...["config", "errors", "metrics"],
  ],
  server: ["encoder", "search", "model", "scheduling", "config", "errors", "metrics"],
  bulk: ["encoder", "search", "graph", "image", "model", "storage", "scheduling", "host", "config", "errors"],
  queue: ["bulk", "encoder", "image", "model", "storage", "scheduling", "host", "config", "errors"],
  search: ["image", "model", "storage", "host", "config", "errors"],
  metrics: [],
  client: ["scheduling", "errors"],
  hub: ["build", "architecture", "checkpoint", "model", "storage", "scheduling", "config", "errors"],
  encoder: ["build", "tower", "engine", "text", "image", "model", "scheduling", "host", "config", "errors"],
  build: [
    ...["architecture", "checkpoint", "graph", "model", "storage"],
    ...["tower", "engine", "text", "image", "host", "config", "errors"],
  ],
  architecture: ["checkpoint", "graph", "model"],
  checkpoint: ["graph", "model", "config", "errors"],
  graph: [],
  tower: ["engine", "scheduling", "errors"],
  engine: ["host", "errors"],
  text: ["scheduling", "errors"],
  image: ["scheduling", "host", "errors"],
  storage: ["host", "errors"],
  model: ["config", "errors"],
  scheduling: ["errors"],
  config: ["errors"],
  host: ["errors"],
  errors: [],
};

/** Types may also go between these rooms. */
const mayImportTypes: Record<string, string[]> = {
  text: ["engine", "model", "config"],
  image: ["engine", "model", "config"],
  metrics: ["encoder"],
  hub: ["encoder"],
  client: ["server"],
};

const onlyIn: Record<string, string> = {
  "onnxruntime-node": "engine/session.ts",
  tokenizers: "text/tokenizer.ts",
  "@lancedb/lancedb": "search/lance.ts",
  "hyparquet-writer": "bulk/parquet.ts",
  "tar-stream": "bulk/sources/tar.ts",
  bullmq: "queue/bullmq.ts",
  "@aws-sdk/client-s3": "queue/s3-store.ts",
};

const root = resolve(import.meta.dirname, "../../src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const roomOf = (file: string) => file.split("/")[0]!.replace(/\.ts$/, "");

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

describe("a room of src/", () => {
  it.each([...new Set(files.map(roomOf))])("%s has a row in docs/architecture.md", (room) => {
    const page = readFileSync(resolve(root, "../docs/architecture.md"), "utf8");
    expect(page).toMatch(new RegExp(`^\\| \`src/${room}(/|\\.ts)\` \\|`, "m"));
  });
});

describe("imports", () => {
  it("are found at all", () => {
    expect(imports.length).toBeGreaterThan(20);
  });

  it("know every room, and no room that is not there", () => {
    expect(Object.keys(mayImport).sort()).toEqual([...new Set(files.map(roomOf))].sort());
  });

  it("leave the index, the errors and the metrics alone in the root", () => {
    expect(files.filter((file) => !file.includes("/")).sort()).toEqual(["errors.ts", "index.ts", "metrics.ts"]);
  });

  it("go from each room to those listed for it alone", () => {
    const wrong = imports
      .filter(({ from }) => from.startsWith("."))
      .map((it) => ({
        ...it,
        room: roomOf(it.file),
        target: roomOf(relative(root, resolve(root, dirname(it.file), it.from))),
      }))
      .filter(({ room, target }) => room !== target && !mayImport[room]?.includes(target))
      .filter(({ room, target, typeOnly }) => !(typeOnly && mayImportTypes[room]?.includes(target)))
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
    expect(roomOf(sharp[0]!.file)).toBe("image");
  });

  it("leave reading the environment, printing and exiting to the command line", () => {
    const guilty = files
      // Such a file is the entry of a process of its own. One silences a library that listens to nothing else.
      .filter((file) => roomOf(file) !== "cli" && !file.endsWith("-main.ts") && !file.endsWith("/no-telemetry.ts"))
      .filter((file) => /\bprocess\.(env|exit|stdout|stderr)\b|console\./.test(readFileSync(join(root, file), "utf8")));
    expect(guilty).toEqual([]);
  });
});

describe("rooms", () => {
  it("form no circle", () => {
    const circleFrom = (room: string, way: string[]): string | undefined =>
      way.includes(room)
        ? [...way.slice(way.indexOf(room)), room].join(" -> ")
        : mayImport[room]?.map((next) => circleFrom(next, [...way, room])).find((found) => found !== undefined);
    expect(Object.keys(mayImport).flatMap((room) => circleFrom(room, []) ?? [])).toEqual([]);
  });
});

describe("source files", () => {
  it("have at most 400 lines", () => {
    const long = files.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 401);
    expect(long).toEqual([]);
  });
});
