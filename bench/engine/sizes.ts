/**
 * `npx tsx bench/engine/sizes.ts [--sizes NAME,…] [--precisions fp32,int8,fp16] [--device cpu|cuda]` builds models of other
 * published sizes from random checkpoints, and runs their graphs alone. It prints what the build took, in seconds and in
 * the largest memory of this process so far, and items per second. A first run makes some gigabytes of checkpoints.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFullSizeCheckpoint, type Size, sizes } from "../../scripts/make-full-size-checkpoint.ts";
import { buildModel } from "../../src/build/build.ts";
import { imageSamples, textSamples } from "../../src/build/int8/samples.ts";
import type { Tensor } from "../../src/engine/contract.ts";
import type { Device } from "../../src/engine/device.ts";
import { openSession } from "../../src/engine/session.ts";
import { availableCores } from "../../src/host/available-cores.ts";
import type { Model, Precision } from "../../src/model/manifest.ts";
import { defaultWork } from "../full-size-models.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: Object.keys(sizes).join() },
    precisions: { type: "string", default: "fp32,int8" },
    device: { type: "string", default: "cpu" },
    batches: { type: "string", default: "1,8" },
    seconds: { type: "string", default: "8" },
    work: { type: "string", default: defaultWork },
  },
});
const signal = new AbortController().signal;

for (const size of flags.sizes.split(",") as Size[]) {
  const checkpoint = await makeFullSizeCheckpoint(join(flags.work, size), size);
  for (const precision of flags.precisions.split(",") as Precision[]) {
    const name = `${size}-${precision}`;
    const startedAt = performance.now();
    const outDir = join(flags.work, name);
    const model = await buildModel({ imageDir: checkpoint, textDir: checkpoint, outDir, name, precision });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    const megabytes = Math.round(process.resourceUsage().maxRSS / 1000);
    const { image, text } = model.manifest;
    const fidelity =
      image.fidelity && text.fidelity ? `, fidelity ${image.fidelity.mean} and ${text.fidelity.mean}` : "";
    console.log(`${name}: built in ${seconds} s, ${megabytes} MB at most${fidelity}`);
    await measure(model, "image", imageSamples({ size: image.size }).heldOut[5]!);
    const file = join(model.directory, text.tokenizer);
    await measure(model, "text", (await textSamples({ file, inputs: text, signal })).heldOut[5]!);
  }
}

/** Runs batches of one item, repeated. */
async function measure({ directory, manifest }: Model, tower: "image" | "text", item: Tensor[]): Promise<void> {
  const graph = join(directory, manifest[tower].graph);
  const device = flags.device as Device;
  const { largestPair } = manifest[tower];
  const session = await openSession({ graph, threads: availableCores(), largestPair, device });
  for (const batch of flags.batches.split(",").map(Number)) {
    const inputs = item.map(({ name, data, dims }) => ({
      name,
      data: repeated(data, batch),
      dims: [batch, ...dims.slice(1)],
    }));
    await session.run(inputs); // the first run lays out the memory
    const startedAt = performance.now();
    let runs = 0;
    while (performance.now() - startedAt < Number(flags.seconds) * 1000) {
      await session.run(inputs);
      runs++;
    }
    const perSecond = (runs * batch * 1000) / (performance.now() - startedAt);
    console.log(`  ${tower}, batch ${batch}: ${perSecond.toFixed(1)} a second`);
  }
  await session.close();
}

function repeated(data: Tensor["data"], times: number): Tensor["data"] {
  const parts = Array.from({ length: times }, () => data);
  return data instanceof BigInt64Array
    ? BigInt64Array.from(parts.flatMap((part) => [...(part as BigInt64Array)])) // all parts are the same array
    : Uint8Array.from(Buffer.concat(parts as Uint8Array[]));
}
