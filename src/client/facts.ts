/** Tells about one stage of the service's work. */
export interface Stage {
  name: string;
  ms: number;
}

/** What the headers of an answer say about its vectors. */
export interface Facts {
  /** Model that made them; vectors of two models cannot be compared. */
  model: string;
  /** A text was longer than the model reads, and was cut. */
  isTruncated: boolean;
  /** Tokens that stand for something unknown, such as a word of over 100 letters. */
  unknownTokens: number;
  /** An image was readable in part only. */
  isIncomplete: boolean;
  /** Milliseconds that the service took for each stage; of several items, the longest. */
  stages: Stage[];
}

export function factsOf({ headers }: Response): Facts {
  return {
    model: headers.get("x-model") ?? "",
    isTruncated: headers.get("x-truncated") === "true",
    unknownTokens: Number(headers.get("x-unknown-tokens") ?? 0),
    isIncomplete: headers.get("x-image-incomplete") === "true",
    stages: parseServerTiming(headers.get("server-timing")),
  };
}

/** What holds for several answers to one call. */
export function joinFacts(all: readonly Partial<Facts>[]): Facts {
  const longest = new Map<string, number>();
  for (const { name, ms } of all.flatMap(({ stages = [] }) => stages)) {
    longest.set(name, Math.max(ms, longest.get(name) ?? 0));
  }
  return {
    model: all.find(({ model }) => model !== undefined)?.model ?? "",
    isTruncated: all.some(({ isTruncated }) => isTruncated),
    unknownTokens: all.reduce((sum, { unknownTokens = 0 }) => sum + unknownTokens, 0),
    isIncomplete: all.some(({ isIncomplete }) => isIncomplete),
    stages: [...longest].map(([name, ms]) => ({ name, ms })),
  };
}

/** Reads a Server-Timing header such as `queue;dur=0.12, inference;dur=3.4`. */
export function parseServerTiming(header: string | null): Stage[] {
  return (header ?? "").split(",").flatMap((part) => {
    const match = /^\s*([\w-]+)\s*;\s*dur=([\d.]+)/.exec(part);
    return match ? [{ name: match[1]!, ms: Number(match[2]) }] : [];
  });
}
