import { afterEach, describe, expect, it, vi } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createDecoderPool, type DecoderPool } from "../../src/image/decoder-pool.ts";
import { decoderPids } from "../support/decoder-pids.ts";

const options = { ...settingsWith(serviceSettings), spec: { size: 32, resize: 32, background: null } };

let pool: DecoderPool;
afterEach(() => pool.close());

describe("a pool of decoder processes", () => {
  it("has the first one ready where that is asked for", async () => {
    pool = createDecoderPool({ ...options, keepsOne: true });
    expect(decoderPids()).toHaveLength(1);
    await pool.take(performance.now());
    expect(decoderPids()).toHaveLength(1);
  });

  it("starts a further one for an image that has waited, and keeps one of them when nothing comes", async () => {
    pool = createDecoderPool({ ...options, keepsOne: true, idleMs: 1 });
    const first = await pool.take(performance.now());
    const second = await pool.take(performance.now());
    expect(second).not.toBe(first);
    expect(decoderPids()).toHaveLength(2);
    pool.giveBack(second);
    pool.giveBack(first);
    await vi.waitFor(() => expect(decoderPids()).toHaveLength(1), { timeout: 30_000 });
    const kept = await pool.take(performance.now());
    expect([first, second]).toContain(kept);
  });

  it("lets an image wait for a process that is soon done with another one", async () => {
    pool = createDecoderPool({ ...options, keepsOne: true });
    const first = await pool.take(performance.now());
    const hour = 3_600_000;
    const next = pool.take(performance.now() + hour); // its patience ends far later
    pool.giveBack(first);
    expect(await next).toBe(first);
    expect(decoderPids()).toHaveLength(1);
  });

  it("does not let an image wait for a process that has ended", async () => {
    pool = createDecoderPool({ ...options, keepsOne: true });
    const first = await pool.take(performance.now());
    const next = pool.take(performance.now() + 3_600_000);
    first.kill();
    await first.exited;
    pool.giveBack(first);
    expect((await next).isUsable()).toBe(true);
  });

  it("tells an image that waits when it is closed", async () => {
    pool = createDecoderPool({ ...options, keepsOne: true });
    await pool.take(performance.now());
    const next = pool.take(performance.now() + 3_600_000);
    next.catch(() => {});
    await Promise.resolve();
    await pool.close();
    await expect(next).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });

  it("starts none before it is taken, uses it again, and ends it when it was idle for long enough", async () => {
    pool = createDecoderPool({ ...options, idleMs: 1 });
    expect(decoderPids()).toEqual([]);
    const first = await pool.take(performance.now());
    pool.giveBack(first);
    expect(await pool.take(performance.now())).toBe(first);
    pool.giveBack(first);
    await vi.waitFor(() => expect(decoderPids()).toEqual([]), { timeout: 30_000 });
    const second = await pool.take(performance.now());
    expect(second.isUsable()).toBe(true);
  });
});
