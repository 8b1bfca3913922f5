/**
 * `npm run bench:memory` sends 10,000 mixed requests to a full-size pair, one image to four texts, and looks at the memory
 * of the service and its decoders after each quarter. With `--precisions int8` it measures that one alone. It writes
 * memory.json into bench/results/ and the table of this machine's class in docs/performance.md. How busy the machine is
 * does not matter. It takes five minutes for int8 and fifteen for fp32.
 */
import { parseArgs } from "node:util";
import { defaultWork, fullSizeModels, type Precision, precisions } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { type MemoryCurve, memoryCurve } from "./http/memory.ts";
import { startService } from "./http/service.ts";
import { machine, readResults, table, writeResults, writeSection } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    precisions: { type: "string", default: precisions.join() },
    requests: { type: "string", default: "10000" },
    work: { type: "string", default: defaultWork },
  },
});
const image = await imageBodies(200);
const text = textBodies();
const models = await fullSizeModels(flags.work);

for (const precision of flags.precisions.split(",") as Precision[]) {
  const service = await startService(models[precision]);
  const curve = await memoryCurve(service, { requests: Number(flags.requests), image, text });
  await service.stop();
  await keep({ ...((await readResults("memory")) as Kept | undefined)?.measured, [precision]: curve });
}

interface Kept {
  measured: Record<string, MemoryCurve>;
}

/** Writes down what was measured so far, since a run takes long. */
async function keep(measured: Record<string, MemoryCurve>): Promise<void> {
  const report = { date: new Date().toISOString(), machine: machine(), measured };
  await writeResults("memory", report);
  await writeSection("performance.md", "memory", [
    `${report.date.slice(0, 10)}, ${report.machine}. MiB.`,
    "",
    ...table(
      ["", "requests", "PSS", "if nothing else runs Node.js"],
      Object.entries(measured).flatMap(([name, curve]) =>
        curve.map(({ requests, mebibytes, alone }) => [name, String(requests), mebibytes.toFixed(0), alone.toFixed(0)]),
      ),
    ),
  ]);
}
