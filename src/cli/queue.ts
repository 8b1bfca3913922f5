import { queueSettings } from "../config/queue.ts";
import { EncoderError } from "../errors.ts";
import { parseQueueAddress } from "../queue/address.ts";
import { openQueue, type ShardQueue } from "../queue/queue.ts";
import { command } from "./command.ts";
import { count, duration } from "./progress-text.ts";

const actions: Record<string, (queue: ShardQueue) => Promise<void>> = {
  async status(queue) {
    const { waiting, active, failed, oldestSeconds } = await queue.counts();
    print(`waiting ${count(waiting)}, active ${count(active)}, failed ${count(failed)}`);
    if (waiting > 0) print(`the oldest has waited for ${duration(oldestSeconds)}`);
    const shards = await queue.failed();
    for (const { id, reason } of shards.slice(0, shownFailures)) print(`${id.slice(0, 8)}  ${reason}`);
    if (shards.length > shownFailures) print(`and ${count(shards.length - shownFailures)} more`);
  },
  async retry(queue) {
    print(`${count(await queue.retryFailed())} failed shards wait again`);
  },
  async drain(queue) {
    const { waiting, failed } = await queue.counts();
    await queue.drain();
    print(`${count(waiting)} waiting and ${count(failed)} failed shards were removed; active ones are finished`);
  },
};

/** A screenful is enough, since shards mostly fail for the same reason. */
const shownFailures = 20;

export const queue = command({
  summary: "Look at a queue, try failed shards again, or empty it",
  operands: "status | retry | drain",
  examples: [["queue status --queue redis://queue:6379", "How many shards wait, and why others failed."]],
  settings: queueSettings,
  async run({ values, operands: [name = "", ...rest] }) {
    const action = Object.hasOwn(actions, name) && rest.length === 0 ? actions[name] : undefined;
    if (!action) throw new EncoderError("CONFIG_INVALID", "Expected one of: queue status, queue retry, queue drain.");
    const address = parseQueueAddress(values.queue, values.queuePassword);
    const onTrouble = (reason: string) => process.stderr.write(`the queue is in trouble: ${reason}\n`);
    const queue = await openQueue({ address, name: values.queueName, onTrouble });
    try {
      for (const warning of await queue.warnings()) process.stderr.write(`warning: ${warning}\n`);
      await action(queue);
    } finally {
      await queue.close();
    }
  },
});

const print = (line: string) => process.stdout.write(`${line}\n`);
