import { describe, expect, it } from "vitest";
import { alignExternalData } from "../../src/graph/external-data.ts";
import { bytesField, floatField, integerField, messageField, readFields, textField } from "../../src/graph/protobuf.ts";

const entry = (key: string, value: string) => messageField(13, [textField(1, key), textField(2, value)]);
const tensor = (name: string, entries: [string, string][]) =>
  messageField(5, [textField(8, name), ...entries.map(([key, value]) => entry(key, value)), integerField(14, 1)]);
const a = tensor("a", [
  ["location", "old"],
  ["offset", "4"],
  ["length", "100"],
]);
const inline = messageField(5, [textField(8, "inline"), bytesField(9, Uint8Array.of(1, 2, 3))]);
const model = (tensors: Uint8Array[]) =>
  Buffer.concat([
    integerField(1, 2 ** 40), // ten bytes of varint would do as well
    floatField(99, 0.5),
    messageField(7, [textField(2, "tower"), inline, ...tensors]),
  ]);
/** Reads the entries of every tensor that lies outside a model, by its name. */
function entriesOf(bytes: Uint8Array): Record<string, Record<string, string>> {
  const text = (content: Uint8Array, wanted: number) =>
    Buffer.from(readFields(content).find(({ number }) => number === wanted)!.content!).toString();
  const graph = readFields(bytes).find(({ number }) => number === 7)!.content!;
  const tensors = readFields(graph).filter(({ number }) => number === 5);
  return Object.fromEntries(
    tensors.map(({ content }) => [
      text(content!, 8),
      Object.fromEntries(
        readFields(content!)
          .filter(({ number }) => number === 13)
          .map((it) => [text(it.content!, 1), text(it.content!, 2)]),
      ),
    ]),
  );
}

describe("the data outside a model", () => {
  it("gets places at multiples of 64, packed forms with it, and the new file's name", () => {
    const before = model([
      a,
      tensor("b", [
        ["location", "old"],
        ["offset", "104"],
        ["length", "65"],
        ["prepacked_0", "MatMul+123|200;10;0|211;64;77"],
      ]),
    ]);
    const after = alignExternalData(before, "new.weights");
    expect(entriesOf(after.model)).toEqual({
      inline: {},
      a: { location: "new.weights", offset: "0", length: "100" },
      b: { location: "new.weights", offset: "128", length: "65", prepacked_0: "MatMul+123|256;10;0|320;64;77" },
    });
    expect(after.moves).toEqual([
      { from: 4, to: 0, bytes: 100 },
      { from: 104, to: 128, bytes: 65 },
      { from: 200, to: 256, bytes: 10 },
      { from: 211, to: 320, bytes: 64 },
    ]);
    expect(after.bytes).toBe(384);
  });

  it("is all that changes: a model without any keeps its bytes", () => {
    const bytes = model([]);
    expect(Buffer.from(alignExternalData(bytes, "new").model).equals(bytes)).toBe(true);
  });

  it("is refused where a model is cut off, or its places are no numbers", () => {
    const whole = model([a]);
    for (const length of [whole.length - 1, whole.length - 30, 1]) {
      expect(() => alignExternalData(whole.subarray(0, length), "new")).toThrow("cut off or damaged");
    }
    const unknown = model([tensor("a", [["prepacked_0", "MatMul+1|some;where;0"]])]);
    expect(() => alignExternalData(unknown, "new")).toThrow("no number");
  });
});
