import type { BuildProgress } from "../build/build.ts";

export interface Progress {
  /** Replaces the line on a terminal; elsewhere it is one more line. */
  show(line: string): void;
  /** Shows on a terminal a share that grows, and elsewhere one line for each tower. */
  onBuild(progress: BuildProgress): void;
  /** Clears the line, so that what comes next starts on one of its own. */
  end(): void;
}

export function createProgress(stream: NodeJS.WriteStream): Progress {
  const show = (line: string) => stream.write(stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  let lastTower: string | undefined;
  return {
    show,
    onBuild({ tower, fraction }) {
      if (stream.isTTY) show(`building the ${tower} tower: ${Math.floor(fraction * 100)} %`);
      else if (tower !== lastTower) show(`building the ${tower} tower`);
      lastTower = tower;
    },
    end() {
      if (stream.isTTY) show("");
    },
  };
}
