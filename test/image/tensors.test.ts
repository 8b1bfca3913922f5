import { expect, it } from "vitest";
import { imageTensors } from "../../src/image/tensors.ts";

const size = 2; // 12 bytes a picture
const pixels = (value: number) => ({ data: new Uint8Array(12).fill(value), size });
const file = (...bytes: number[]) => ({ file: Uint8Array.from(bytes) });

it.each(["memory of its own", "memory that is lent"])(
  "puts pixels into rows, and files behind them, in %s",
  (where) => {
    const lent = where === "memory of its own" ? undefined : new Uint8Array(new ArrayBuffer(100), 8).fill(9);
    const batch = [file(1, 2), pixels(3), file(4, 5, 6)];
    const [tensor, ...others] = imageTensors(batch, size, lent);
    const { data, dims, unmade = [] } = tensor!;
    expect({ others, dims }).toEqual({ others: [], dims: [3, size, size, 3] });
    expect(data).toHaveLength(36);
    expect([...data.subarray(12, 24)]).toEqual(Array(12).fill(3));
    const files = unmade.map(({ row, at, length }) => [row, ...new Uint8Array(data.buffer, at, length)]);
    expect(files).toEqual([
      [0, 1, 2],
      [2, 4, 5, 6],
    ]);
  },
);
