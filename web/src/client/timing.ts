/** One stage of the service's work. */
export interface Stage {
  name: string;
  ms: number;
}

/** Reads a Server-Timing header such as `queue;dur=0.12, inference;dur=3.4`. */
export function parseServerTiming(header: string | null): Stage[] {
  return (header ?? "").split(",").flatMap((part) => {
    const match = /^\s*([\w-]+)\s*;\s*dur=([\d.]+)/.exec(part);
    return match ? [{ name: match[1]!, ms: Number(match[2]) }] : [];
  });
}
