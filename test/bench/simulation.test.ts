import { describe, expect, it } from "vitest";
import { type Costs, type Setup, simulate } from "../../bench/queue/simulation.ts";

const costs: Costs = { list: 0.01, add: 0.001, handOut: 0.001, renew: 0.0001, work: 10, wait: 1, spread: 0 };
const setup: Setup = {
  ...{ seed: 1, shards: 1000, workers: 10, cores: 2, ahead: 100 },
  ...{ leaseSeconds: 30, lifeSeconds: Number.POSITIVE_INFINITY, replaceSeconds: 60 },
};

describe("a simulated run", () => {
  it("takes what its work takes, where nothing else is slow", () => {
    const { seconds, workers, deaths, again } = simulate(costs, setup);
    const work = (setup.shards * costs.work) / (setup.workers * setup.cores);
    expect(seconds).toBeGreaterThan(work);
    expect(seconds).toBeLessThan(1.02 * work);
    expect(workers).toBeGreaterThan(0.98);
    expect([deaths, again]).toEqual([0, 0]);
  });

  it("is the same for the same seed, and another one for another", () => {
    const busy = { ...costs, spread: 0.2 };
    expect(simulate(busy, setup)).toEqual(simulate(busy, setup));
    expect(simulate(busy, { ...setup, seed: 2 }).seconds).not.toBe(simulate(busy, setup).seconds);
  });

  it("waits for the lister or the queue's server where these are slow", () => {
    const slowLister = simulate({ ...costs, list: 2 }, setup);
    expect(slowLister.lister).toBeGreaterThan(0.99);
    expect(slowLister.seconds).toBeGreaterThan(2 * setup.shards);
    const slowServer = simulate({ ...costs, add: 1, handOut: 1 }, setup);
    expect(slowServer.server).toBeGreaterThan(0.99);
    expect(slowServer.seconds).toBeGreaterThan(2 * setup.shards);
  });

  it("does the shards of dead workers again, each once their lease is over", () => {
    const mortal = simulate(costs, { ...setup, lifeSeconds: 100 });
    expect(mortal.deaths).toBeGreaterThan(20);
    expect(mortal.again).toBeGreaterThanOrEqual(mortal.deaths);
    expect(mortal.again).toBeLessThanOrEqual(2 * mortal.deaths);
    expect(mortal.seconds).toBeGreaterThan(simulate(costs, setup).seconds);
  });

  it("keeps no more shards in the queue than it may, and starves workers where that is too few", () => {
    const starved = simulate(costs, { ...setup, ahead: 5 });
    expect(starved.mostQueued).toBe(5);
    expect(starved.workers).toBeLessThan(0.55);
    expect(simulate(costs, setup).mostQueued).toBe(100);
  });

  it("takes longer where all share the cores of one machine", () => {
    const alone = { ...setup, shards: 100, workers: 2, cores: 1 };
    const shared = simulate({ ...costs, list: 5, add: 2, handOut: 2 }, { ...alone, sharedCores: 2 });
    expect(shared.seconds).toBeGreaterThan((100 * (10 + 5 + 4)) / 2);
    expect(shared.seconds).toBeLessThan((1.1 * 100 * (10 + 5 + 4)) / 2);
  });
});
