import sharp from "sharp";
import { uniforms } from "../../scripts/random.ts";

/** The load is the same in every run, and no two requests in flight are alike. */

const sentences = [
  "a red bicycle leaning against an old wall",
  "ein kleiner Hund schläft auf dem grünen Sofa",
  "un chat noir regarde la pluie par la fenêtre",
  "una mujer lee un libro en la playa",
  "un treno attraversa lentamente il lungo ponte alto",
  "uma criança corre feliz pelo parque da cidade",
  "маленькая лодка плывёт по тихой реке на закате",
  "夕日の中で静かな海の上を小さな船が進む",
  "孩子们在公园的大树下高兴地踢足球",
  "طفل صغير يلعب بالكرة في حديقة البيت",
];

/** What a body is made of: by default, what the service's own routes take. */
export type TextForm = (text: string) => object;
export type ImageForm = (base64: string) => object;

/** Makes bodies for POST /encode_text: about eight words in ten languages, each with a number so that it is new. */
export function textBodies(form: TextForm = (text) => ({ text })): () => string {
  let count = 0;
  return () => {
    const sentence = sentences[count % sentences.length]!;
    return JSON.stringify(form(`${sentence} ${count++}`));
  };
}

/** Makes bodies for POST /encode_image: 640x480 JPEGs (quality 85, about 60 kB), as base64 JSON. */
export async function imageBodies(count: number, form: ImageForm = (b64) => ({ image_b64: b64 })) {
  const bodies: string[] = [];
  for (let i = 0; i < count; i++) {
    const picture = await jpeg({ seed: i, width: 640, height: 480 });
    bodies.push(JSON.stringify(form(picture.toString("base64"))));
  }
  let next = 0;
  return () => bodies[next++ % bodies.length]!;
}

/** Draws coarse noise and shapes, which compress about as photographs do. */
export async function jpeg({ seed, width, height }: { seed: number; width: number; height: number }): Promise<Buffer> {
  const random = uniforms(seed + 1);
  const coarse = Uint8Array.from({ length: 80 * 60 * 3 }, () => random() * 256);
  const shapes = Array.from({ length: 12 }, () => {
    const [x, y, size, hue] = [random() * width, random() * height, 20 + random() * 120, Math.floor(random() * 360)];
    return `<circle cx="${x}" cy="${y}" r="${size}" fill="hsl(${hue},70%,50%)" fill-opacity="0.7"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join("")}</svg>`;
  return sharp(coarse, { raw: { width: 80, height: 60, channels: 3 } })
    .resize(width, height, { kernel: "nearest", fit: "fill" })
    .composite([{ input: Buffer.from(svg) }])
    .jpeg({ quality: 85 })
    .toBuffer();
}
