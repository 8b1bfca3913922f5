import type { LRUCache } from "lru-cache";
import { EncoderError } from "../errors.ts";
import { mapAhead, type Step } from "../scheduling/map-ahead.ts";
import type { Backlog, Work } from "./backlog.ts";
import { type Batcher, DeclinedItem, type Embedded } from "./batcher.ts";
import { dueTimes } from "./due-times.ts";
import type { InFlight } from "./in-flight.ts";
import { type RequestScope, requestScope } from "./request-scope.ts";

export interface RequestOptions {
  items: number;
  signal?: AbortSignal | undefined;
  /** Ends the request's time, in `performance.now()` milliseconds. Without one there is always time. */
  deadline?: number | undefined;
  /** Waits for room, until the deadline, where it would be refused otherwise. */
  wait?: boolean | undefined;
}

/** Holds one request's items among those of others. */
export interface TowerRequest<Item> {
  /** Aborts when the caller does, and when the request is over. */
  readonly signal: AbortSignal;
  /** Tells when the item at a position is due, in `performance.now()` milliseconds. */
  dueAt(position: number): number;
  /**
   * Accepts inputs that are about to come, all of them or none. Those whose vectors cost nothing now take no room.
   * @throws EncoderError OVERLOADED, unless the request waits for room anyway.
   */
  reserve(inputs: readonly { key?: string; cost: number }[]): void;
  /** Works on inputs in order, few enough at a time that others find room, until the first failure. */
  each<T, R>(inputs: readonly T[], step: Step<T, R>): Promise<R[]>;
  /**
   * Gives the raw vector of the input that `key` identifies. Equal inputs that are in flight are computed once.
   * @param prepare makes the graph's input; called only if it is needed.
   * @throws EncoderError OVERLOADED, ENGINE_FAILED, what `prepare` throws, or the signal's reason.
   */
  embed(input: TowerInput, prepare: Prepare<Item>): Promise<TowerResult>;
  /** Gives up what still goes on. It must be called in any case. */
  close(): void;
}

export interface TowerInput {
  /** Equal inputs have the same key. */
  key: string;
  /** Counts from 0 among the request's items. */
  position: number;
  /** Costs are in the batcher's unit: tokens, for texts. */
  cost: number;
}

export type Prepare<Item> = (turn: { signal: AbortSignal; dueAt: number }) => Prepared<Item> | Promise<Prepared<Item>>;

export interface Prepared<Item> {
  item: Item;
  /** Tells whether a part of the input could not be read. */
  incomplete?: boolean | undefined;
  /** Prepares an input that the engine was to prepare and could not. */
  otherwise?: Prepare<Item>;
}

/** Holds a vector and the time it took to make. A cached one took none. */
export interface TowerResult extends Embedded {
  incomplete: boolean;
}

export interface SharedByRequests<Item> {
  batcher: Batcher<Item>;
  backlog: Backlog;
  inFlight: InFlight<TowerResult>;
  cache: LRUCache<string, Pick<TowerResult, "embedding" | "incomplete">> | undefined;
  maxBatch: number;
  /** Limits how many items of one request are worked on at a time. */
  ahead: number;
  holdsWholeRequests: boolean;
  now: () => number;
  /** Has the scope of each request that is open. */
  open: Set<RequestScope>;
  /** Called when a request was closed. */
  onClosed(): void;
}

export function openRequest<Item>(request: RequestOptions, shared: SharedByRequests<Item>): TowerRequest<Item> {
  const { items, deadline = Number.POSITIVE_INFINITY, wait = false } = request;
  const { batcher, backlog, inFlight, cache, ahead, now, open } = shared;
  const scope = requestScope(request.signal);
  open.add(scope);
  const since = now();
  const isBulk = wait || items > shared.maxBatch;
  const room = wait ? waitingRoom(backlog, { since, signal: scope.signal }) : reservedRoom(backlog, deadline, isBulk);
  const endBulk = isBulk && !wait ? backlog.openBulk(deadline) : undefined;
  const inTurn = dueTimes({ items, since, now, deadline, isBulk });
  const giveUp = () => scope.end(new EncoderError("DEADLINE_EXCEEDED", "The request was not done by its deadline."));
  const late = wait && deadline < Number.POSITIVE_INFINITY ? setTimeout(giveUp, deadline - since) : undefined;

  /** What waited for room goes behind all that was accepted before, so that single items of others go first. */
  const dueAt = (position: number) => (wait ? now() + backlog.waitMs() : inTurn(position));

  async function compute(
    { key, position, cost }: TowerInput,
    prepare: Prepare<Item>,
    signal: AbortSignal,
  ): Promise<TowerResult> {
    const startedAt = now();
    const { item, incomplete = false, otherwise } = await prepare({ signal, dueAt: dueAt(position) });
    const prepareMs = now() - startedAt;
    // It is asked anew when it is due: what took long to prepare would otherwise go before single items, as if late.
    const turn = { signal, dueAt: dueAt(position), cost, isBulk, deadline };
    try {
      const embedded = await batcher.submit(item, turn);
      cache?.set(key, { embedding: embedded.embedding, incomplete });
      return { ...embedded, incomplete, prepareMs: prepareMs + embedded.prepareMs };
    } catch (error) {
      if (!(error instanceof DeclinedItem && otherwise)) throw error;
      const result = await compute({ key, position, cost }, otherwise, signal);
      const queueMs = error.spent.queueMs + result.queueMs;
      return { ...result, queueMs, prepareMs: prepareMs + error.spent.prepareMs + result.prepareMs };
    }
  }

  return {
    signal: scope.signal,
    dueAt,
    reserve(inputs) {
      const isKnown = (key: string | undefined) => key !== undefined && (cache?.has(key) || inFlight.has(key));
      const unknown = inputs.filter(({ key }) => !isKnown(key));
      if (inputs.length > 0 && unknown.length === 0) return;
      const held = shared.holdsWholeRequests ? unknown.length : Math.min(unknown.length, ahead);
      room.reserve({ items: held, cost: unknown.reduce((sum, { cost }) => sum + cost, 0), isBulk });
    },
    each: (inputs, step) => mapAhead(inputs, ahead, step),
    async embed(input, prepare) {
      const known = cache?.get(input.key);
      if (known) return { ...known, prepareMs: 0, queueMs: 0, inferenceMs: 0 };
      let mustRemove = false;
      if (!inFlight.has(input.key)) {
        await room.take(input.cost);
        mustRemove = true;
      }
      const remove = () => backlog.remove({ items: 1, cost: input.cost, isBulk });
      const share = inFlight.join(input.key, (signal) => {
        mustRemove = false;
        return compute(input, prepare, signal).finally(remove);
      });
      if (mustRemove) remove(); // an equal input has come first while this one waited
      return scope.until(share);
    },
    close() {
      clearTimeout(late);
      scope.end();
      room.giveBack();
      endBulk?.();
      open.delete(scope);
      shared.onClosed();
    },
  };
}

/** Holds a request's part of the backlog. */
interface Room {
  /** @throws EncoderError OVERLOADED */
  reserve(work: Work): void;
  /** Makes one item count as accepted, until it is removed from the backlog. */
  take(cost: number): Promise<void>;
  giveBack(): void;
}

/** Reserves room for many items at once, of which each takes its part. What was not reserved is accepted by itself. */
function reservedRoom(backlog: Backlog, deadline: number, isBulk: boolean): Room {
  const reserved: Work = { items: 0, cost: 0, isBulk };
  return {
    reserve(work) {
      backlog.accept(work, deadline);
      reserved.items += work.items;
      reserved.cost += work.cost;
    },
    async take(cost) {
      if (reserved.cost <= 0) return backlog.accept({ items: 1, cost, isBulk }, deadline);
      const taken = { items: Math.min(1, reserved.items), cost: Math.min(cost, reserved.cost) };
      reserved.items -= taken.items;
      reserved.cost -= taken.cost;
      backlog.add({ items: 1 - taken.items, cost: cost - taken.cost, isBulk });
    },
    giveBack: () => backlog.remove(reserved),
  };
}

/** Reserves nothing: each item waits until there is room for it. */
function waitingRoom(backlog: Backlog, turn: { since: number; signal: AbortSignal }): Room {
  return { reserve() {}, take: (cost) => backlog.enter({ items: 1, cost, isBulk: true }, turn), giveBack() {} };
}
