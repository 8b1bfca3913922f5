/**
 * `npm run bench:jpeg` turns JPEGs of three sizes and kinds into what a tower takes, in this process: with the kernel of
 * src/image/jpeg-kernel.as, and then by way of libvips, whose garbage would cost the other way time. It writes the
 * milliseconds of a core that a picture takes, the median of some turns, as jpeg.json into bench/results/ and as the table
 * of this machine's class in docs/performance.md. It takes a minute.
 */
import { parseArgs } from "node:util";
import sharp from "sharp";
import { decodeToRgb } from "../src/image/decode.ts";
import { createJpegReader } from "../src/image/jpeg.ts";
import { type RowSource, rowsOf } from "../src/image/raster.ts";
import { createResizer } from "../src/image/resize.ts";
import { jpeg } from "./http/inputs.ts";
import { machine, table, writeResults, writeSection } from "./report.ts";
import { spread, spreadCell } from "./spread.ts";

const { values: flags } = parseArgs({ options: { turns: { type: "string", default: "5" } } });
const maxImagePixels = 100_000_000;
const spec = { size: 224, resize: 224, background: null };
const sizes = [
  { width: 640, height: 480, times: 100 },
  { width: 1600, height: 1200, times: 20 },
  { width: 4000, height: 3000, times: 4 },
];
const onItsSide = 6; // as EXIF counts

sharp.cache(false);
sharp.concurrency(1);
const resize = createResizer();
const read = createJpegReader({ maxImagePixels });

/** Resizes to the crop of a picture of 4:3, which all are. */
function resized(picture: RowSource): Uint8Array {
  const { size } = spec;
  return resize(picture, { width: Math.ceil((size * 4) / 3), height: size, left: 37, top: 0, size });
}

const ways: Record<string, (file: Buffer) => Promise<Uint8Array>> = {
  kernel: async (file) => {
    const picture = read(file);
    if (!picture) throw new Error("The kernel leaves this picture to libvips.");
    return resized(picture);
  },
  libvips: async (file) => resized(rowsOf(await decodeToRgb(file, spec, { maxImagePixels }))),
};

async function coreMs(way: (file: Buffer) => Promise<Uint8Array>, file: Buffer, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await way(file);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

const measured: Record<string, Record<string, number[]>> = {};
for (const { width, height, times } of sizes) {
  const upright = await jpeg({ seed: 1, width, height });
  const kinds = {
    sequential: upright,
    "on its side": await sharp(upright)
      .rotate(-90)
      .withMetadata({ orientation: onItsSide })
      .jpeg({ quality: 85 })
      .toBuffer(),
    progressive: await sharp(upright).jpeg({ quality: 85, progressive: true }).toBuffer(),
  };
  for (const [kind, file] of Object.entries(kinds)) {
    const found: Record<string, number[]> = { kernel: [], libvips: [] };
    if (!read(file)) delete found.kernel;
    for (const [name, list] of Object.entries(found)) {
      await coreMs(ways[name]!, file, times); // until all is compiled
      for (let turn = 0; turn < Number(flags.turns); turn++) list.push(await coreMs(ways[name]!, file, times));
    }
    measured[`${width}x${height}, ${kind}`] = found;
  }
}
await writeResults("jpeg", { date: new Date().toISOString(), machine: machine(), measured });
const cell = (values: number[] | undefined) => (values ? spreadCell(spread(values)) : "");
await writeSection("performance.md", "jpeg", [
  `${machine()}. Milliseconds of a core, median (lowest–highest) of ${flags.turns} turns.`,
  "",
  ...table(
    ["JPEG", "kernel", "libvips"],
    Object.entries(measured).map(([name, { kernel, libvips }]) => [name, cell(kernel), cell(libvips)]),
  ),
]);
