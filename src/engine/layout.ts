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
