import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Cores this process may use: the scheduler's affinity, lowered to the CPU quota of its cgroup (a container's
 * `--cpus`), which Node 20 does not look at. At least 1.
 */
export function availableCores(read: (path: string) => string = readText): number {
  const quota = cgroupQuota(read);
  return Math.max(1, Math.min(availableParallelism(), quota === undefined ? Infinity : Math.ceil(quota)));
}

/** Cores' worth of CPU time per period, or undefined where there is no limit. */
function cgroupQuota(read: (path: string) => string): number | undefined {
  const [limit, period] = read("/sys/fs/cgroup/cpu.max").trim().split(" "); // version 2: "150000 100000" or "max 100000"
  if (limit && period) return ratio(limit, period);
  return ratio(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), read("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

function ratio(limit: string, period: string): number | undefined {
  const cores = Number(limit) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
