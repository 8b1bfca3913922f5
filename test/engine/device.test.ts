import { copyFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseDevice, explainFailure } from "../../src/engine/device.ts";
import { whyNotLoaded } from "../../src/engine/shared-library.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

const precisions = ["fp16", "fp32"];
const works = async () => undefined;
const fails = async () => "no CUDA-capable device is detected.";

describe("the device", () => {
  it("is the processor unless something else is asked for, and nothing is tried", async () => {
    const tryCuda = () => Promise.reject(new Error("it was tried"));
    expect(await chooseDevice({ wanted: "cpu", precisions, tryCuda })).toEqual({ device: "cpu" });
  });

  it.each(["cuda", "auto"] as const)("is a GPU that can be used, for %s", async (wanted) => {
    expect(await chooseDevice({ wanted, precisions, tryCuda: works })).toEqual({ device: "cuda" });
  });

  it("is the processor for auto where no GPU can be used, with the reason", async () => {
    const reason = "no CUDA-capable device is detected.";
    expect(await chooseDevice({ wanted: "auto", precisions, tryCuda: fails })).toEqual({ device: "cpu", reason });
  });

  it("is an error for cuda where no GPU can be used", async () => {
    await expect(chooseDevice({ wanted: "cuda", precisions, tryCuda: fails })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: "DEVICE cuda cannot be used: no CUDA-capable device is detected.",
    });
  });

  it("is never a GPU for int8 graphs, which its provider would leave to the processor in silence", async () => {
    const mixed = { precisions: ["int8", "fp32"], tryCuda: works };
    await expect(chooseDevice({ wanted: "cuda", ...mixed })).rejects.toMatchObject({
      message: expect.stringMatching(/int8 graphs\. Pull or build the model with --precision fp16 or fp32/),
    });
    expect(await chooseDevice({ wanted: "auto", ...mixed })).toMatchObject({ device: "cpu" });
  });

  it("says what is missing on this machine, and how to get it", async () => {
    await expect(chooseDevice({ wanted: "cuda", precisions })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(
        /CUDA provider is not installed\. Fetch it with: node .*install\.js --onnxruntime-node-install=cuda12|Linux on x64|Failed to load|CUDA/,
      ),
    });
  });

  it("leaves the runtime's source lines out of what CUDA says, and names the cure", () => {
    // ONNX Runtime 1.30's own words, shortened, beside a driver that is too old
    const failure =
      "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true] CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id); ";
    expect(explainFailure(failure, "provider.so")).toMatch(
      /^CUDA answers "CUDA driver version is insufficient for CUDA runtime version" \(35\)\. nvidia-smi .*--gpus all\.$/,
    );
  });

  it("names the library that is missing and what it comes with, and keeps a failure that it does not know", () => {
    const failure = (library: string) =>
      `Failed to load shared library: ${library}: cannot open shared object file: No such file or directory`;
    expect(explainFailure(failure("libcuda.so.1"), "provider.so")).toMatch(/^libcuda\.so\.1 is missing\. .*driver/);
    expect(explainFailure(failure("libcublas.so.13"), "provider.so")).toMatch(
      /^libcublas\.so\.13 is missing\. .*cuDNN/,
    );
    expect(explainFailure("cuDNN library was not found", "provider.so")).toBe("cuDNN library was not found");
  });

  it.skipIf(process.platform !== "linux")("hears from the loader which library is missing", async () => {
    const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
    const copy = join(await temporaryFolder(), "provider.so");
    // Away from its folder, the binding does not find the runtime that it links.
    await copyFile(join(runtime, `bin/napi-v6/linux/${process.arch}/onnxruntime_binding.node`), copy);
    expect(whyNotLoaded(copy)).toBe("libonnxruntime.so.1: cannot open shared object file: No such file or directory");
  });
});
