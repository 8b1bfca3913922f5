import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

describe("the client's bundle for browsers", () => {
  it("imports nothing, has nothing of Node or of the server, and is small", async () => {
    const result = await build({
      ...{ configFile: false, logLevel: "silent", root },
      build: { write: false, minify: true, lib: { entry: "src/client/client.ts", formats: ["es"] } },
    });
    const [{ output }] = result as unknown as [{ output: { code: string; imports: string[] }[] }];
    expect(output.map(({ imports }) => imports)).toEqual([[]]);
    const { code } = output[0]!;
    expect(code).not.toMatch(/node:|\brequire\(|\bprocess\.|\bBuffer\b|zod/);
    expect(gzipSync(code).length).toBeLessThan(8 * 1024);
  });
});

describe("image-text-encoder/client", () => {
  it("is exported by the package, and loads nothing else of it but errors and scheduling", async () => {
    const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const program = `
      import { createClient, ServiceError } from "image-text-encoder/client";
      const error = await createClient({ baseUrl: "http://127.0.0.1:1" }).info().catch((error) => error);
      console.log(error instanceof ServiceError, error.code);`;
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
    expect(stdout.trim()).toBe("true UNREACHABLE");
    expect(exports["./client"]).toEqual({ types: "./dist/client/client.d.ts", default: "./dist/client/client.js" });
  });
});
