/**
 * Makes a corpus of hostile images: bombs of each format, then truncated and damaged pictures. Equal seeds give equal
 * bytes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type HostileImage, imageBombs } from "./image-bombs.ts";
import { uniforms } from "./random.ts";

const fixtures = resolve(import.meta.dirname, "../test/fixtures/images");

/** Yields all bombs, then as many damaged pictures as `count` leaves room for. */
export function hostileImages({ count, seed, maxPixels }: { count: number; seed: number; maxPixels: number }) {
  const random = uniforms(seed);
  const pictures = readdirSync(fixtures)
    .filter((file) => !/\.(py|json)$/.test(file))
    .sort()
    .map((file) => ({ name: file, bytes: readFileSync(join(fixtures, file)) }));
  const images = imageBombs(Math.floor(Math.sqrt(maxPixels)));
  const cuts = shuffled(pictures.flatMap(truncations), random);
  while (images.length < count) {
    const cut = images.length % 3 === 0 ? cuts.pop() : undefined;
    images.push(cut ?? damaged(pictures, random));
  }
  return images.slice(0, count);
}

function truncations({ name, bytes }: HostileImage): HostileImage[] {
  return [1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenths) => ({
    name: `${name} cut to ${tenths}0 %`,
    bytes: bytes.subarray(0, Math.floor((bytes.length * tenths) / 10)),
  }));
}

function damaged(pictures: HostileImage[], random: () => number): HostileImage {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = () => pictures[below(pictures.length)]!;
  const { name, bytes: original } = pick();
  const bytes = Buffer.from(original);
  // Headers decide more than pixel data, so half of the damage is done to the first 200 bytes.
  const place = (room = 1) => below(Math.max(1, (random() < 0.5 ? Math.min(200, bytes.length) : bytes.length) - room));
  switch (below(5)) {
    case 0:
      bytes[place()]! ^= 1 << below(8);
      return { name: `${name} with a flipped bit`, bytes };
    case 1:
      for (let i = 0; i < 32; i++) bytes[place()]! ^= 1 << below(8);
      return { name: `${name} with 32 flipped bits`, bytes };
    case 2:
      bytes.writeUInt32LE([0, 1, 0x7fffffff, 0x80000000, 0xffffffff][below(5)]!, place(4));
      return { name: `${name} with an extreme number`, bytes };
    case 3: {
      const from = place();
      return {
        name: `${name} with a hole`,
        bytes: Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + below(64))]),
      };
    }
    default: {
      const other = pick();
      const tail = other.bytes.subarray(below(other.bytes.length));
      return { name: `${name} continued by ${other.name}`, bytes: Buffer.concat([bytes.subarray(0, place()), tail]) };
    }
  }
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
