import { describe, expect, it } from "vitest";
import { createSuspicion, type Suspicions } from "../../src/queue/suspicion.ts";

/** Works on inputs until one kills the worker; what was stored is what the next worker finds. */
async function workUntilDeath(stored: unknown, inputs: number, kills: (index: number) => boolean) {
  let last = stored;
  const store = async (suspicions: Suspicions) => {
    last = structuredClone(suspicions);
  };
  const around = await createSuspicion({ stored, store }, new AbortController().signal);
  const poisoned: number[] = [];
  for (let index = 0; index < inputs; index++) {
    if (kills(index)) {
      const first = await Promise.race([
        around(index, () => new Promise(() => {})).catch((error) => error.code),
        tick(),
      ]);
      if (first !== "POISON_INPUT") return { last, poisoned, isDead: true };
      poisoned.push(index);
    } else await around(index, async () => {});
  }
  return { last, poisoned, isDead: false };
}

const tick = () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));

describe("a shard that killed workers", () => {
  it("costs two more for each poisonous input, which are then passed over", async () => {
    let stored: unknown;
    let deaths = 0;
    for (;;) {
      const { last, poisoned, isDead } = await workUntilDeath(stored, 10, (index) => index === 3 || index === 7);
      stored = last;
      if (!isDead) {
        expect({ deaths, poisoned }).toEqual({ deaths: 4, poisoned: [3, 7] });
        return;
      }
      deaths++;
    }
  });

  it("has no poison when another input was under way at each death", async () => {
    let stored: unknown;
    for (const dead of [2, 5, 4]) stored = (await workUntilDeath(stored, 10, (index) => index === dead)).last;
    expect(await workUntilDeath(stored, 10, () => false)).toMatchObject({ poisoned: [], isDead: false });
  });

  it("suspects nothing that a worker gave back in good order", async () => {
    const stop = new AbortController();
    let last: unknown;
    const store = async (suspicions: Suspicions) => {
      last = structuredClone(suspicions);
    };
    const around = await createSuspicion({ stored: undefined, store }, stop.signal);
    await around(3, async () => stop.abort());
    expect(last).toEqual({ begun: {} });
  });

  it("is not led astray by notes of somebody else", async () => {
    const { isDead } = await workUntilDeath({ begun: "many" }, 3, () => false);
    expect(isDead).toBe(false);
  });
});
