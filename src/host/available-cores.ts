import { availableParallelism } from "node:os";
import { type ReadText, readTextFile } from "./text-file.ts";

/**
 * Counts the cores that this process may use: the scheduler's affinity, lowered to the CPU quota of its cgroup (a
 * container's `--cpus`), which Node 20 does not look at. It is at least 1.
 */
export function availableCores(read: ReadText = readTextFile): number {
  const quota = cgroupQuota(read);
  return Math.max(1, Math.min(availableParallelism(), quota === undefined ? Infinity : Math.ceil(quota)));
}

/** Reads how many cores' worth of CPU time the quota grants; undefined means that there is no limit. */
function cgroupQuota(read: ReadText): number | undefined {
  const [limit, period] = read("/sys/fs/cgroup/cpu.max").trim().split(" "); // version 2: "150000 100000" or "max 100000"
  if (limit && period) return ratio(limit, period);
  return ratio(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), read("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

function ratio(limit: string, period: string): number | undefined {
  const cores = Number(limit) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}
