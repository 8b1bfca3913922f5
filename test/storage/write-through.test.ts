import type { FileHandle } from "node:fs/promises";
import { expect, it } from "vitest";
import { writeWhole } from "../../src/storage/write-through.ts";

/** Stands for a file on a disk that takes at most `most` bytes at a time, as one that runs full does. */
function shortFile(most: number) {
  const content = Buffer.alloc(16);
  let end = 0;
  const write = async (bytes: Uint8Array, offset: number, length: number, position: number | null) => {
    const bytesWritten = Math.min(most, length);
    const at = position ?? end;
    content.set(bytes.subarray(offset, offset + bytesWritten), at);
    end = at + bytesWritten;
    return { bytesWritten };
  };
  return { handle: { write } as unknown as FileHandle, text: () => content.toString("latin1", 0, end) };
}

it.each([1, 3, 16])("writes all bytes where one write takes %i at most", async (most) => {
  const file = shortFile(most);
  await writeWhole(file.handle, Buffer.from("0123456789"));
  expect(file.text()).toBe("0123456789");
  await writeWhole(file.handle, Buffer.from("abcd"), 4);
  expect(file.text()).toBe("0123abcd");
});
