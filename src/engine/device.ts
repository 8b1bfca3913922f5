import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { EncoderError } from "../errors.ts";
import { askThread } from "./ask-thread.ts";

/** What runs graphs: the processor, or an NVIDIA GPU through ONNX Runtime's CUDA provider. */
export type Device = "cpu" | "cuda";

export interface DeviceOptions {
  /** "auto" is the GPU where there is one that can be used. */
  wanted: Device | "auto";
  /** Lists the precisions of the model's graphs. */
  precisions: readonly string[];
  signal?: AbortSignal | undefined;
  /** Gives the reason why the provider cannot be used, if there is one. */
  tryCuda?: (signal: AbortSignal | undefined) => Promise<string | undefined>;
}

export interface ChosenDevice {
  device: Device;
  /** Why it is not the GPU, for the log, where "auto" asked for one; it may hold paths. */
  reason?: string;
}

/**
 * Chooses once for all engines, so that both towers and every later thread run on the same device.
 * @throws EncoderError CONFIG_INVALID where "cuda" is wanted and cannot be had, saying what is missing and how to get it.
 */
export async function chooseDevice(options: DeviceOptions): Promise<ChosenDevice> {
  const { wanted, precisions, signal, tryCuda = tryProvider } = options;
  if (wanted === "cpu") return { device: "cpu" };
  const reason = precisions.includes("int8") ? int8Reason : await tryCuda(signal);
  if (reason === undefined) return { device: "cuda" };
  if (wanted === "auto") return { device: "cpu", reason };
  throw new EncoderError("CONFIG_INVALID", `DEVICE cuda cannot be used: ${reason}`);
}

const int8Reason =
  "the CUDA provider does not compute this model's int8 graphs. Pull or build the model with --precision fp16 or fp32.";

/** ONNX Runtime loads the provider from beside its own library; its package brings only the processor's. */
const providerFile = `bin/napi-v6/linux/${process.arch}/libonnxruntime_providers_cuda.so`;

async function tryProvider(signal: AbortSignal | undefined): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `ONNX Runtime has a CUDA provider for Linux on x64, and this is ${process.platform} on ${process.arch}.`;
  }
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const provider = join(runtime, providerFile);
  if (!(await stat(provider).catch(() => undefined))) {
    return `ONNX Runtime's CUDA provider is not installed. Fetch it with: node ${join(runtime, "script/install.js")} --onnxruntime-node-install=cuda12`;
  }
  const failure = await askThread("device-thread", provider, signal); // opening a graph on a GPU takes a second
  return failure === undefined ? undefined : explainFailure(failure, provider);
}

/** Says what keeps the provider from working and how to get it, for the failures of the runtime that name no cure. */
export function explainFailure(failure: string, provider: string): string {
  const [, missing] = /(\S+): cannot open shared object file/.exec(failure) ?? [];
  if (missing === "libcuda.so.1") {
    return `${missing} is missing. It comes with NVIDIA's driver, and a container sees it with --gpus all and NVIDIA's container toolkit.`;
  }
  if (missing !== undefined) {
    return `${missing} is missing. It comes with the CUDA runtime and cuDNN that ONNX Runtime's CUDA provider was built for; readelf -d ${provider} lists all that it needs.`;
  }
  // The runtime puts its own source lines and types around what CUDA says.
  const [, code, said] = /CUDA failure (\d+): (.+?) ; GPU=/.exec(failure) ?? [];
  if (said === undefined) return failure;
  return `CUDA answers "${said}" (${code}). nvidia-smi tells which GPU there is and the newest CUDA that its driver supports; a container sees them with --gpus all.`;
}
