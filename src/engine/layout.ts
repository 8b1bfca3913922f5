import type { Device } from "./device.ts";

/** An engine of more threads wastes too much of them on what cannot be divided; docs/performance.md has the model. */
const coresPerEngine = 4;

/**
 * Divides the cores among the engines of a tower.
 * @param asked engines of a tower, and threads of an engine; 0 asks for a number that suits the cores
 */
export function layoutFor(cores: number, { replicas, threads }: { replicas: number; threads: number }) {
  const engines = replicas || Math.max(1, Math.floor(cores / coresPerEngine));
  return { replicas: engines, threads: threads || Math.max(1, Math.floor(cores / engines)) };
}

/** More decoders would outrun a processor's tower; a GPU keeps up with all that a machine has cores for. */
const mostDecoders: Record<Device, number> = { cpu: 8, cuda: 64 };
/** A GPU needs more work at once to be busy. */
const usualImageBatch: Record<Device, number> = { cpu: 8, cuda: 64 };

/**
 * Gives the sizes that suit a device.
 * @param asked what the settings say; 0 asks for a number that suits the device
 */
export function sizesFor(
  device: Device,
  cores: number,
  asked: { decodeProcesses: number; maxImageBatch: number },
): { decodeProcesses: number; maxImageBatch: number } {
  return {
    decodeProcesses: asked.decodeProcesses || Math.min(cores, mostDecoders[device]),
    maxImageBatch: asked.maxImageBatch || usualImageBatch[device],
  };
}
