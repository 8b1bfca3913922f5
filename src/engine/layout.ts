import type { Device } from "./device.ts";

/** An engine of more threads wastes too much of them on what cannot be divided; docs/performance.md has the model. */
const coresPerEngine = 4;

/** Bulk work has as many engines where there are as many cores; each holds its own copy of the weights. */
const mostBulkEngines = 4;

/**
 * Divides the cores among the engines of a tower. All threads of an engine wait when one of them loses its core to the
 * decoders or the event loop. Engines of one thread do not wait for one another, which suits bulk work, where nobody
 * waits for a single item.
 * @param asked engines of a tower, and threads of an engine; 0 asks for a number that suits the cores
 */
export function layoutFor(cores: number, asked: { replicas: number; threads: number; isBulk?: boolean }) {
  const fast = Math.floor(cores / coresPerEngine);
  const usual = Math.max(1, fast, asked.isBulk ? Math.min(cores, mostBulkEngines) : 0);
  const replicas = asked.replicas || usual;
  return { replicas, threads: asked.threads || Math.max(1, Math.floor(cores / replicas)) };
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
