import { machine, table, writeResults, writeSection } from "../report.ts";
import { short } from "../spread.ts";
import { type Costs, simulate } from "./simulation.ts";
import type { StandInReport } from "./stand-in-run.ts";

export interface NamedRun {
  queue: string;
  count: number;
  workers: number;
  report: StandInReport;
}

export interface Measured {
  shardSize: number;
  memory: { redisJobBytes: number; postgresJobBytes: number; renewalSeconds: number };
  /** The simulation is fed with the costs of this run, and foretells the other one. */
  known: NamedRun;
  foretold: NamedRun;
  others: NamedRun[];
}

/** Compares the simulation with the run that it foretells, and writes queue.json and the section of docs/scale.md. */
export async function reportRuns(measured: Measured): Promise<void> {
  const { shardSize, memory, known, foretold, others } = measured;
  const costs = costsOf(known, measured);
  const setup = {
    ...{ seed: 1, shards: foretold.count / shardSize, workers: foretold.workers, cores: 1, sharedCores: 2 },
    ...{ ahead: 1000, leaseSeconds: 30, lifeSeconds: Number.POSITIVE_INFINITY, replaceSeconds: 0 },
  };
  const { seconds } = simulate(costs, setup);
  const withItsDisk = simulate({ ...costs, wait: costsOf(foretold, measured).wait }, setup);
  const offBy = (seconds: number) => Math.round(100 * (seconds / foretold.report.seconds - 1));
  const off = offBy(seconds);
  const signed = (percent: number) => `${percent > 0 ? "+" : ""}${percent}`;
  await writeResults("queue", { date: new Date().toISOString(), machine: machine(), ...measured, costs, off });
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`;
  const head = ["queue", "references", "workers", "seconds", "references a second"];
  await writeSection("scale.md", "queue", [
    `${machine()}.`,
    `Shards of ${shardSize} addresses of 77 characters; 512 float32 a reference.`,
    "Redis writes to its disk each second, PostgreSQL at each commit.",
    "",
    ...table(
      [...head, "lister, ms", "server, ms", "workers, ms", "files, ms", "lister, MB", "a worker, MB", "Redis, MB"],
      [...others, known, foretold].map((run) => rowOf(run, measured)),
    ),
    "",
    "The columns in ms are for one shard: processor time, and the time in which its files were put. Those in MB are the",
    "most memory that a process had, a Redis since it was started. Each reference had one vector, its own.",
    "",
    `A waiting job takes ${kilobytes(memory.redisJobBytes)} of Redis's memory, or`,
    `${kilobytes(memory.postgresJobBytes)} of PostgreSQL's disk, where it is compressed. Renewing a lease takes Redis`,
    `${short(1e6 * memory.renewalSeconds)} µs.`,
    "",
    `The simulation, fed with the costs of the last row but one, foretold ${short(seconds)} s for the last one, which took`,
    `${short(foretold.report.seconds)} s: ${signed(off)} %. Fed with the time that the disk took in that run itself,`,
    `it says ${short(withItsDisk.seconds)} s: ${signed(offBy(withItsDisk.seconds))} %.`,
  ]);
}

function costsOf({ count, report }: NamedRun, { shardSize, memory }: Measured): Costs {
  const shards = count / shardSize;
  const sum = (of: "processorSeconds" | "putSeconds") => report.workers.reduce((total, one) => total + one[of], 0);
  return {
    list: report.lister.processorSeconds / shards,
    add: report.serverSeconds / shards / 2,
    handOut: report.serverSeconds / shards / 2,
    renew: memory.renewalSeconds,
    work: sum("processorSeconds") / shards,
    wait: sum("putSeconds") / shards,
    spread: 0.1, // an assumption: shards of one data set are much alike
  };
}

function rowOf(run: NamedRun, measured: Measured): string[] {
  const { list, add, handOut, work, wait } = costsOf(run, measured);
  const { queue, count, workers, report } = run;
  const milliseconds = [list, add + handOut, work, wait].map((value) => short(1000 * value));
  const whole = (value: number) => Math.round(value).toLocaleString("en");
  const rate = whole(Number((count / report.seconds).toPrecision(3)));
  const largest = Math.max(...report.workers.map(({ peakBytes }) => peakBytes));
  const server = queue === "Redis" ? report.serverPeakBytes : Number.NaN; // PostgreSQL has many processes
  const megabytes = [report.lister.peakBytes, largest, server].map((bytes) =>
    Number.isNaN(bytes) ? "" : String(Math.round(bytes / 1e6)),
  );
  return [queue, whole(count), String(workers), short(report.seconds), rate, ...milliseconds, ...megabytes];
}
