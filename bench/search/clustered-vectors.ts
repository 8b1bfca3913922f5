const dimensions = 512;
/** Vectors of a topic differ in so many directions, as those of photographs do; in the other ones there is only noise. */
const directions = 64;
/** Counts the pictures that would show the same topic if all topics were equally popular. */
const picturesPerTopic = 50;

/**
 * Prepares unit vectors that lie as CLIP's do: all pictures share a direction, each belongs to one of many topics, some of
 * which are far more popular, and words lie apart from pictures. The same count and seed give the same vectors.
 */
export function clusteredVectors(count: number) {
  const { normals } = distributions(12_345);
  const basis = Array.from({ length: directions }, () => normals(dimensions, 1 / Math.sqrt(dimensions)));
  const topicCount = Math.max(20, Math.round(count / picturesPerTopic));
  const topics = Array.from({ length: topicCount }, () => normals(directions, 1 / Math.sqrt(directions)));
  const directionOf = { picture: normals(dimensions, 1), words: normals(dimensions, 1) };
  const spreads = { picture: { topic: 1, noise: 0.3 }, words: { topic: 0.7, noise: 0.5 } };

  return function draw(kind: "picture" | "words", { random, normal, normals }: Distributions): Float32Array {
    const spread = spreads[kind];
    // The product of two uniform numbers prefers the first topics.
    const topic = topics[Math.floor(random() * random() * topicCount)]!;
    const vector = normals(dimensions, spread.noise / Math.sqrt(dimensions));
    for (let i = 0; i < dimensions; i++) vector[i]! += (0.9 / Math.sqrt(dimensions)) * directionOf[kind][i]!;
    for (const [r, direction] of basis.entries()) {
      const amount = topic[r]! + (spread.topic * normal()) / Math.sqrt(directions);
      for (let i = 0; i < dimensions; i++) vector[i]! += amount * direction[i]!;
    }
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    return vector.map((value) => value / length);
  };
}

export type Distributions = ReturnType<typeof distributions>;

/** Gives random numbers that are the same for the same seed. */
export function distributions(seed: number) {
  const random = seeded(seed);
  /** Approximates a normal distribution by a sum of four uniform ones. */
  const normal = () => (random() + random() + random() + random() - 2) * Math.sqrt(3);
  const normals = (length: number, deviation: number) => Float32Array.from({ length }, () => normal() * deviation);
  return { random, normal, normals };
}

/** Gives numbers from 0 to 1 by Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
