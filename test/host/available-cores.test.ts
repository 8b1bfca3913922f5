import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { availableCores } from "../../src/host/available-cores.ts";

const files = (contents: Record<string, string>) => (path: string) => contents[path] ?? "";

describe("available cores", () => {
  it("are the machine's where no quota is set", () => {
    expect(availableCores(files({}))).toBe(availableParallelism());
    expect(availableCores(files({ "/sys/fs/cgroup/cpu.max": "max 100000\n" }))).toBe(availableParallelism());
  });

  it("are lowered by a cgroup quota, rounded up", () => {
    expect(availableCores(files({ "/sys/fs/cgroup/cpu.max": "50000 100000\n" }))).toBe(1);
    const quota = files({ "/sys/fs/cgroup/cpu.max": "150000 100000\n" });
    expect(availableCores(quota)).toBe(Math.min(2, availableParallelism()));
  });

  it("are never raised by a quota", () => {
    expect(availableCores(files({ "/sys/fs/cgroup/cpu.max": "99900000 100000\n" }))).toBe(availableParallelism());
  });

  it("know the first version of cgroups", () => {
    const folder = "/sys/fs/cgroup/cpu";
    const read = (quota: string) =>
      files({ [`${folder}/cpu.cfs_quota_us`]: quota, [`${folder}/cpu.cfs_period_us`]: "100000" });
    expect(availableCores(read("100000"))).toBe(1);
    expect(availableCores(read("-1"))).toBe(availableParallelism());
  });
});
