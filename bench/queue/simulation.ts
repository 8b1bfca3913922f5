/**
 * A discrete-event simulation of a queued run: a lister cuts the input into shards, a queue's server hands them out, workers
 * do them and die now and then. It knows nothing of how long things take but what it is told, so it is fed with measured costs.
 */
import { uniforms } from "../../scripts/random.ts";

/** Times are in seconds, of one core unless said otherwise. */
export interface Costs {
  /** The lister lists the inputs of a shard, reads its mark and serializes the job. */
  list: number;
  /** The queue's server takes a job in. */
  add: number;
  /** The queue's server hands a job out and hears of its end. */
  handOut: number;
  /** The queue's server renews a lease. */
  renew: number;
  /** A worker reads, decodes and encodes the inputs of a shard, and makes its part. */
  work: number;
  /** A worker waits for the inputs of a shard and for its part to be written; no core is busy. */
  wait: number;
  /** Shards differ by so much: the standard deviation of work and wait, as a share of them. */
  spread: number;
}

export interface Setup {
  seed: number;
  shards: number;
  workers: number;
  /** Cores of each worker. */
  cores: number;
  /** Lister, server and workers share so many cores; without it each has its own. */
  sharedCores?: number;
  /** The queue holds at most so many shards. */
  ahead: number;
  leaseSeconds: number;
  /** A worker lives so long on average; Infinity for workers that never die. */
  lifeSeconds: number;
  /** After a death, another worker is there after this time. */
  replaceSeconds: number;
}

export interface Simulated {
  seconds: number;
  /** Shares of the time in which these were busy. */
  lister: number;
  server: number;
  workers: number;
  deaths: number;
  /** Shards that were begun again after a death. */
  again: number;
  /** The most shards that were in the queue at a time. */
  mostQueued: number;
}

/** Each worker takes two shards at a time, as src/queue/work.ts does: one is worked on while the other one waits. */
const shardsAtATime = 2;

export function simulate(costs: Costs, setup: Setup): Simulated {
  const { shards, workers, ahead, leaseSeconds, lifeSeconds, replaceSeconds, sharedCores } = setup;
  const random = uniforms(setup.seed);
  const clock = createClock();
  const pool = sharedCores === undefined ? undefined : createStation(clock, sharedCores);
  const lister = createStation(clock, 1, pool);
  const server = createStation(clock, 1, pool);
  const crew = Array.from({ length: workers }, () => ({ core: createStation(clock, 1, pool), life: 0, held: 0 }));
  const idle: number[] = []; // a worker stands here once for each shard that it could take
  const factors = new Map<number, number>(); // of shards that were begun: done again they take as long
  const again: number[] = [];
  let [next, listed, done, deaths, redone, queued, mostQueued] = [0, 0, 0, 0, 0, 0, 0];

  const waiting = () => again.length + listed - next;
  const list = () => {
    if (listed + (lister.isBusy() ? 1 : 0) >= shards || queued >= ahead || lister.isBusy()) return;
    lister.use(costs.list, () => {
      queued++;
      mostQueued = Math.max(mostQueued, queued);
      server.use(costs.add, () => {
        listed++;
        handOut();
      });
      list();
    });
  };
  const handOut = () => {
    while (idle.length > 0 && waiting() > 0) take(idle.shift()!);
  };
  const take = (worker: number) => {
    const shard = again.pop() ?? next++;
    const own = crew[worker]!;
    const { life } = own;
    own.held++;
    const factor = factors.get(shard) ?? Math.max(0.1, 1 + costs.spread * normal(random));
    factors.set(shard, factor);
    const lost = () => {
      clock.after(leaseSeconds * (0.5 + random()), () => {
        redone++;
        again.push(shard);
        handOut();
      });
    };
    const unlessDead = (step: () => void) => () => (own.life === life ? step() : lost());
    const startedAt = clock.now();
    const finish = unlessDead(() => {
      const renewals = Math.floor((2 * (clock.now() - startedAt)) / leaseSeconds);
      server.use(costs.handOut + renewals * costs.renew, () => {
        factors.delete(shard);
        done++;
        queued--;
        own.held--;
        list();
        if (own.life === life) idle.push(worker);
        handOut();
      });
    });
    const seconds = (costs.work * factor) / setup.cores;
    own.core.use(
      seconds,
      unlessDead(() => clock.after(costs.wait * factor, finish)),
    );
  };
  const live = (worker: number) => {
    for (let i = 0; i < shardsAtATime; i++) idle.push(worker);
    handOut();
    if (lifeSeconds === Number.POSITIVE_INFINITY) return;
    clock.after(-Math.log(1 - random()) * lifeSeconds, () => {
      if (done === shards) return;
      const own = crew[worker]!;
      own.life++;
      deaths++;
      for (let i = idle.length - 1; i >= 0; i--) if (idle[i] === worker) idle.splice(i, 1);
      clock.after(replaceSeconds, () => live(worker));
    });
  };

  for (let worker = 0; worker < workers; worker++) live(worker);
  list();
  while (done < shards && clock.step());
  const seconds = clock.now();
  const busy = crew.reduce((sum, { core }) => sum + core.busySeconds(), 0) / workers;
  return {
    ...{ seconds, deaths, again: redone, mostQueued },
    ...{ lister: lister.busySeconds() / seconds, server: server.busySeconds() / seconds, workers: busy / seconds },
  };
}

interface Clock {
  now(): number;
  after(seconds: number, act: () => void): void;
  /** Does what comes next. @returns whether there was anything */
  step(): boolean;
}

/** Keeps what is to happen in a binary heap, by time; of two things at the same time the older goes first. */
function createClock(): Clock {
  interface Event {
    at: number;
    order: number;
    act(): void;
  }
  const heap: Event[] = [];
  let now = 0;
  let order = 0;
  const isBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order);
  return {
    now: () => now,
    after(seconds, act) {
      const event = { at: now + seconds, order: order++, act };
      let place = heap.length;
      while (place > 0) {
        const parent = (place - 1) >> 1;
        if (!isBefore(event, heap[parent]!)) break;
        heap[place] = heap[parent]!;
        place = parent;
      }
      heap[place] = event;
    },
    step() {
      const [first] = heap;
      if (!first) return false;
      const last = heap.pop()!;
      let place = 0;
      while (heap.length > 0) {
        let child = 2 * place + 1;
        if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
        if (child >= heap.length || !isBefore(heap[child]!, last)) {
          heap[place] = last;
          break;
        }
        heap[place] = heap[child]!;
        place = child;
      }
      now = first.at;
      first.act();
      return true;
    },
  };
}

interface Station {
  /** Does work of so many seconds when its turn comes, and then calls back. */
  use(seconds: number, then: () => void): void;
  isBusy(): boolean;
  busySeconds(): number;
}

/** @param pool cores that this one shares with others */
function createStation(clock: Clock, places: number, pool?: Station): Station {
  const waiting: { seconds: number; then(): void }[] = [];
  let head = 0;
  let [taken, busySeconds] = [0, 0];
  const next = () => {
    while (taken < places && head < waiting.length) {
      const { seconds, then } = waiting[head++]!;
      if (head > 1000 && 2 * head > waiting.length) {
        waiting.splice(0, head);
        head = 0;
      }
      taken++;
      busySeconds += seconds;
      const ended = () => {
        taken--;
        then();
        next();
      };
      if (pool) pool.use(seconds, ended);
      else clock.after(seconds, ended);
    }
  };
  return {
    use(seconds, then) {
      waiting.push({ seconds, then });
      next();
    },
    isBusy: () => taken > 0,
    busySeconds: () => busySeconds,
  };
}

/** Box and Muller's normal distribution, with mean 0 and deviation 1. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
