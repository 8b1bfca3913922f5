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
    pool = createDecoderPool({ ...options, startsEarly: true });
    expect(decoderPids()).toHaveLength(1);
    await pool.take();
    expect(decoderPids()).toHaveLength(1);
  });

  it("starts none before it is taken, uses it again, and ends it when it was idle for long enough", async () => {
    pool = createDecoderPool({ ...options, idleMs: 1 });
    expect(decoderPids()).toEqual([]);
    const first = await pool.take();
    pool.giveBack(first);
    expect(await pool.take()).toBe(first);
    pool.giveBack(first);
    await vi.waitFor(() => expect(decoderPids()).toEqual([]), { timeout: 30_000 });
    const second = await pool.take();
    expect(second.isUsable()).toBe(true);
  });
});
