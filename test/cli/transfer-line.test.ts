import { expect, it } from "vitest";
import { createTransferLine } from "../../src/cli/transfer-line.ts";

const totalBytes = 100e6;

function report(isTerminal: boolean, samples: [seconds: number, megabytes: number][]) {
  let nowMs = 0;
  const line = createTransferLine({ isTerminal, nowMs: () => nowMs });
  return samples.map(([seconds, megabytes]) => {
    nowMs = seconds * 1000;
    return line({ receivedBytes: megabytes * 1e6, totalBytes });
  });
}

it("draws a bar with rate and time left, ten times a second at most", () => {
  expect(
    report(true, [
      [0, 0],
      [0.05, 1],
      [2, 50],
      [2.01, 100],
    ]),
  ).toEqual([
    "[------------------------] 0 %  0.0 of 100.0 MB",
    undefined,
    "[############------------] 50 %  50.0 of 100.0 MB, 25.0 MB/s, 0:02 left",
    "[########################] 100 %  100.0 of 100.0 MB, 49.8 MB/s, 0:00 left",
  ]);
});

it("writes a line every ten percent where there is no terminal", () => {
  const lines = report(
    false,
    Array.from({ length: 101 }, (_, i) => [i, i]),
  );
  expect(lines.filter((line) => line !== undefined)).toHaveLength(11);
  expect(lines[50]).toBe("downloaded 50 %: 50.0 of 100.0 MB, 1.0 MB/s, 0:50 left");
});

it("tells the rate of the last seconds, also after a download that had to start again", () => {
  const [, , last] = report(true, [
    [0, 0],
    [100, 10],
    [101, 60],
  ]);
  expect(last).toContain("50.0 MB/s");
  const [, , again] = report(true, [
    [0, 90],
    [1, 0],
    [2, 20],
  ]);
  expect(again).toContain("20.0 MB/s");
});
