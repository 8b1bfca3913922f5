import type { BuildProgress } from "../build/build.ts";

/** Shows a line that is replaced on a terminal; elsewhere each is one more line. */
export function createProgress(stream: NodeJS.WriteStream) {
  const show = (line: string) => stream.write(stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  let lastTower: string | undefined;
  return {
    show,
    /** Shows on a terminal a share that grows, and elsewhere one line for each tower. */
    onBuild({ tower, fraction }: BuildProgress) {
      if (stream.isTTY) show(`building the ${tower} tower: ${Math.floor(fraction * 100)} %`);
      else if (tower !== lastTower) show(`building the ${tower} tower`);
      lastTower = tower;
    },
    /** Clears the line, so that what comes next starts on one of its own. */
    end() {
      if (stream.isTTY) show("");
    },
  };
}
