import { alignment } from "./onnx.ts";
import { editFields, readFields, textField } from "./protobuf.ts";

/** A range of bytes that has another place in the new file of weights than in the old one. */
export interface Move {
  from: number;
  to: number;
  bytes: number;
}

/**
 * Gives every range of bytes that a ModelProto refers to a place at a multiple of `alignment`: constants that lie outside
 * the model, and their packed forms, which ONNX Runtime writes in a format of its own and aligns only where they are
 * large, although its kernels read them in aligned vectors.
 * @returns the model anew, and where its bytes have to be copied to, in the order of the new file
 * @throws Error where the bytes are no such model
 */
export function alignExternalData(
  model: Uint8Array,
  weightsFile: string,
): { model: Uint8Array; moves: Move[]; bytes: number } {
  const moves: Move[] = [];
  let bytes = 0;
  const place = (from: number, length: number): number => {
    if (!Number.isSafeInteger(from + length) || from < 0 || length < 0)
      throw new Error("a place in the file of weights is no number");
    const to = Math.ceil(bytes / alignment) * alignment;
    moves.push({ from, to, bytes: length });
    bytes = to + length;
    return to;
  };
  const aligned = editFields(model, graphField, (graph) =>
    editFields(graph, initializerField, (tensor) => alignTensor(tensor, { weightsFile, place })),
  );
  return { model: aligned, moves, bytes };
}

const graphField = 7;
const initializerField = 5;
const externalDataField = 13;

interface Placing {
  weightsFile: string;
  /** Gives the new offset of so many bytes at an old one. */
  place(from: number, bytes: number): number;
}

function alignTensor(tensor: Uint8Array, { weightsFile, place }: Placing): Uint8Array {
  const entries = new Map(
    readFields(tensor).flatMap(({ number, content }) =>
      number === externalDataField && content ? [entryOf(content)] : [],
    ),
  );
  return editFields(tensor, externalDataField, (content) => {
    const [key, value] = entryOf(content);
    const edited = () => {
      if (key === "location") return weightsFile;
      if (key === "offset") return String(place(Number(value), Number(entries.get("length"))));
      return key.startsWith("prepacked_") ? alignPacked(value, place) : value;
    };
    return Buffer.concat([textField(1, key), textField(2, edited())]);
  });
}

/** A packed form is `KEY|OFFSET;BYTES;CHECKSUM|OFFSET;BYTES;CHECKSUM…` (onnxruntime/core/framework/tensor_external_data_info.cc). */
function alignPacked(value: string, place: Placing["place"]): string {
  const [key, ...blobs] = value.split("|");
  const aligned = blobs.map((blob) => {
    const [offset, bytes, ...rest] = blob.split(";");
    return [place(Number(offset), Number(bytes)), bytes, ...rest].join(";");
  });
  return [key, ...aligned].join("|");
}

function entryOf(content: Uint8Array): [key: string, value: string] {
  const text = (wanted: number) => {
    const found = readFields(content).find(({ number }) => number === wanted)?.content;
    return Buffer.from(found ?? []).toString();
  };
  return [text(1), text(2)];
}
