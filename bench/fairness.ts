/**
 * `npm run bench:fairness` asks for one image and one text after another, four times a second each, as a search page does,
 * while the service is quiet and then beside others who take all they can get: a request of 200 pictures of 12 megapixels,
 * requests of 2,000 texts, and 32 clients that send an image byte by byte. It runs on the full-size pair at int8, and writes
 * fairness.json into bench/results/ and the table of this machine's class in docs/performance.md. It takes a minute and a
 * half.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { defaultWork, fullSizeModels } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { type Service, startService } from "./http/service.ts";
import { machine, table, writeResults, writeSection } from "./report.ts";
import { quantile, short } from "./spread.ts";

const { values: flags } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, work: { type: "string", default: defaultWork } },
});
const seconds = Number(flags.seconds);
const everyMs = 250;

const image = await imageBodies(100);
const text = textBodies();
const { int8 } = await fullSizeModels(flags.work);

interface Latencies {
  image: number[];
  text: number[];
}

/** Each of these starts a load on a service and gives what ends it. */
const others: Record<string, (service: Service) => Promise<() => Promise<void>>> = {
  "nobody else": async () => async () => {},
  "200 pictures of 12 megapixels in one request": async ({ url }) => {
    const images = (await hugePictures(200)).map((b64) => ({ b64 }));
    const body = Buffer.from(JSON.stringify({ images })); // writing it down meanwhile would hold up this process
    return repeat(() => post(`${url}/encode_image`, body));
  },
  "requests of 2,000 texts": async ({ url }) =>
    repeat(() =>
      post(
        `${url}/encode_text`,
        JSON.stringify({ texts: Array.from({ length: 2000 }, () => JSON.parse(text()).text as string) }), // as textBodies() writes it
      ),
    ),
  "32 clients that send an image byte by byte": async ({ url }) => {
    const { hostname, port } = new URL(url);
    const sockets = Array.from({ length: 32 }, () => {
      const socket = connect(Number(port), hostname).on("error", () => {});
      socket.write(
        `POST /encode_image HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 60000\r\n\r\n`,
      );
      const drip = setInterval(() => socket.write("x"), 20);
      return socket.on("close", () => clearInterval(drip));
    });
    return async () => {
      for (const socket of sockets) socket.destroy();
    };
  },
};

const service = await startService(int8, { settings: { REQUEST_TIMEOUT_MS: "120000" } });
await askInTurn(service, 5); // warms everything up
const measured: Record<string, Latencies> = {};
for (const [name, begin] of Object.entries(others)) {
  const end = await begin(service);
  await sleep(1000);
  measured[name] = await askInTurn(service, seconds);
  console.log(name, figuresOf(measured[name]));
  await end();
}
await service.stop();

const quiet = figuresOf(measured["nobody else"]!);
const report = { date: new Date().toISOString(), machine: machine(), seconds, measured };
await writeResults("fairness", report);
await writeSection("performance.md", "fairness", [
  `${report.date.slice(0, 10)}, ${report.machine}.`,
  `int8; four images and four texts a second for ${seconds} s each; milliseconds.`,
  "",
  ...table(
    ["beside", "image p50", "image p99", "times quiet", "text p50", "text p99", "times quiet"],
    Object.entries(measured).map(([name, latencies]) => {
      const { image, text } = figuresOf(latencies);
      const cells = (of: typeof image, base: typeof image) => [of.p50Ms, of.p99Ms, of.p99Ms / base.p99Ms].map(short);
      return [name, ...cells(image, quiet.image), ...cells(text, quiet.text)];
    }),
  ),
]);

function figuresOf({ image, text }: Latencies) {
  const of = (all: number[]) => {
    const sorted = [...all].sort((a, b) => a - b);
    return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
  };
  return { image: of(image), text: of(text) };
}

/** Asks at fixed times, whether or not the last answer has come. */
async function askInTurn({ url }: Service, forSeconds: number): Promise<Latencies> {
  const latencies: Latencies = { image: [], text: [] };
  const asked: Promise<void>[] = [];
  const ask = async (what: "image" | "text", body: string) => {
    const startedAt = performance.now();
    await post(`${url}/encode_${what}`, body);
    latencies[what].push(performance.now() - startedAt);
  };
  for (let turn = 0; turn < (forSeconds * 1000) / everyMs; turn++) {
    asked.push(ask("image", image()));
    await sleep(everyMs / 2);
    asked.push(ask("text", text()));
    await sleep(everyMs / 2);
  }
  await Promise.all(asked);
  return latencies;
}

async function post(url: string, body: string | Buffer<ArrayBuffer>): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
}

/** Sends a request again as soon as it is answered, and gives what ends that. */
async function repeat(send: () => Promise<void>): Promise<() => Promise<void>> {
  let ended = false;
  const sending = (async () => {
    while (!ended) await send();
  })();
  return async () => {
    ended = true;
    await sending;
  };
}

/** Draws PNGs of 4000 x 3000 pixels, of which little is transferred and much is decoded, no two alike. */
async function hugePictures(count: number): Promise<string[]> {
  const pictures: string[] = [];
  for (let i = 0; i < count; i++) {
    const background = { r: (i * 37) % 256, g: (i * 101) % 256, b: (i * 11) % 256 };
    const create = { width: 4000, height: 3000, channels: 3, background } as const;
    pictures.push((await sharp({ create }).png({ compressionLevel: 9 }).toBuffer()).toString("base64"));
  }
  return pictures;
}
