import { afterEach, describe, expect, it, vi } from "vitest";
import { createMetrics } from "../src/metrics.ts";

afterEach(() => vi.useRealTimers());

describe("the metrics", () => {
  it("start no timer, which nothing would stop", () => {
    vi.useFakeTimers({ toFake: ["setInterval", "setTimeout"] });
    createMetrics();
    createMetrics();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("count from 0 what alerts watch, since an increase from nothing is none to Prometheus", async () => {
    const text = await createMetrics().registry.metrics();
    for (const reason of ["crashed", "killed", "hung", "grown"]) {
      expect(text).toContain(`encoder_decoder_ends_total{reason="${reason}"} 0`);
    }
    for (const tower of ["image", "text"]) expect(text).toContain(`encoder_engine_deaths_total{tower="${tower}"} 0`);
  });
});
