import { expect, it } from "vitest";
import { createProgress } from "../../src/cli/progress.ts";

function written(isTTY: boolean): string {
  const pieces: string[] = [];
  const stream = { isTTY, write: (piece: string) => pieces.push(piece) };
  const progress = createProgress(stream as unknown as NodeJS.WriteStream); // as far as it is used
  for (const tower of ["image", "text"] as const) {
    for (const fraction of [0.5, 1]) progress.onBuild({ tower, fraction });
  }
  progress.end();
  return pieces.join("");
}

it("building shows one line for each tower, and on a terminal how far it is", () => {
  expect(written(false)).toBe("building the image tower\nbuilding the text tower\n");
  expect(written(true).split("\r\x1b[K")).toEqual([
    "",
    "building the image tower: 50 %",
    "building the image tower: 100 %",
    "building the text tower: 50 %",
    "building the text tower: 100 %",
    "",
  ]);
});
