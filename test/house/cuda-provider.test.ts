import { execFile } from "node:child_process";
import { copyFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/checkpoints.ts";

const script = resolve(import.meta.dirname, "../../scripts/check-cuda-provider.sh");
const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
/** The runtime's library, which links libraries of this system as a provider links CUDA's. */
const library = join(runtime, `bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`);

const systemLibraries = ["libdl.so.2", "librt.so.1", "libpthread.so.0", "libstdc++.so.6", "libm.so.6"];
const moreLibraries = ["libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];

async function check({ provider = library, libraries }: { provider?: string | undefined; libraries: string[] }) {
  const folder = await temporaryFolder();
  if (provider !== "") await copyFile(provider, join(folder, "libonnxruntime_providers_cuda.so"));
  const list = join(folder, "libraries");
  await writeFile(list, libraries.map((name) => `\t${name} (libc6,x86-64) => /lib/${name}\n`).join(""));
  return new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    execFile("sh", [script, folder, list], (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

describe("the check of the CUDA provider", () => {
  it("passes where the image has all that the provider links", async () => {
    const result = await check({ libraries: [...systemLibraries, ...moreLibraries, "libcudnn.so.9"] });
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("has all that it links") });
  });

  it("fails with a sentence that names what the image lacks", async () => {
    const { code, stderr } = await check({ libraries: systemLibraries.filter((name) => name !== "libm.so.6") });
    expect(code).toBe(1);
    expect(stderr).toMatch(/the base image lacks .*libm\.so\.6.*: build with --build-arg CUDA_IMAGE=/);
  });

  it("does not take a library for another whose name begins alike", async () => {
    const libraries = [...systemLibraries.filter((name) => name !== "libm.so.6"), ...moreLibraries, "libm.so.60"];
    expect((await check({ libraries })).stderr).toContain("lacks libm.so.6:");
  });

  it("fails where nothing was downloaded, or no library", async () => {
    expect((await check({ provider: "", libraries: [] })).stderr).toContain("its download failed");
    expect(await check({ provider: script, libraries: [] })).toMatchObject({ code: 1 });
  });
});
