import type { Stage } from "../../../src/client/client.ts";

interface TimesProps {
  /** What the service says of its part; empty where it was asked nothing. */
  stages: Stage[];
  /** The page's own part. */
  rankingMs?: number | undefined;
}

/** Says how long an answer took, and in its title how long each stage of it. */
export function Times({ stages, rankingMs }: TimesProps) {
  const serviceMs = stages.reduce((sum, { ms }) => sum + ms, 0);
  const times = [
    ...(stages.length > 0 ? [`encoded in ${milliseconds(serviceMs)}`] : []),
    ...(rankingMs === undefined ? [] : [`ranked in ${milliseconds(rankingMs)}`]),
  ];
  if (times.length === 0) return null;
  return (
    <span class="times" title={stages.map(({ name, ms }) => `${name} ${milliseconds(ms)}`).join(", ")}>
      {times.join(", ")}
    </span>
  );
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
