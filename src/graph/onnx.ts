import type { Attribute, Elements, ElementType, Graph, InlineConstant, Node, Port } from "./graph.ts";
import { bytesField, type Field, floatField, integerField, messageField, textField } from "./protobuf.ts";

// Numbers of fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; comments name the messages.

const irVersion = 11; // the first that opset 23 may be used with; ONNX Runtime reads up to 13
const opset = 23; // the first that has Attention

/** ONNX numbers types like this, also for the operator Cast. */
export const elementTypes: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int64: 7,
  float16: 10,
};

/** Says where a stored constant's bytes lie in the weights file. */
export interface StoredRange {
  offset: number;
  bytes: number;
}

/** Constants begin at multiples of a cache line, which suits vector loads. */
export const alignment = 64;

/** Writes a ModelProto. `ranges` has one entry per stored constant; `weightsFile`, in the same folder, holds them. */
export function encodeModel(
  graph: Graph,
  { ranges, weightsFile }: { ranges: StoredRange[]; weightsFile: string },
): Uint8Array {
  if (!graph.output) throw new Error("the graph has no output");
  const graphProto = [
    ...graph.nodes.map((node) => messageField(1, nodeProto(node))),
    textField(2, "tower"),
    ...graph.inline.map((constant) =>
      messageField(5, [...tensorFields(constant), bytesField(9, bytesOf(constant.elements))]),
    ),
    ...graph.stored.map((constant, index) => messageField(5, storedProto(constant, weightsFile, ranges[index]!))),
    ...graph.inputs.map((port) => messageField(11, portProto(port))),
    messageField(12, portProto(graph.output)),
  ];
  return Buffer.concat([
    integerField(1, irVersion),
    textField(2, "image-text-encoder"),
    messageField(7, graphProto),
    messageField(8, [textField(1, ""), integerField(2, opset)]),
    messageField(8, [textField(1, "com.microsoft"), integerField(2, 1)]),
  ]);
}

function nodeProto({ operator, domain, inputs, outputs, attributes }: Node): Field[] {
  return [
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    textField(3, outputs[0]!),
    textField(4, operator),
    ...Object.entries(attributes).map(([name, value]) => messageField(5, attributeProto(name, value))),
    ...(domain === "" ? [] : [textField(7, domain)]),
  ];
}

/** Writes an AttributeProto: the value, and in field 20 its kind. */
function attributeProto(name: string, value: Attribute): Field[] {
  if (typeof value === "number") return [textField(1, name), integerField(3, value), integerField(20, 2)];
  if (typeof value === "string") return [textField(1, name), textField(4, value), integerField(20, 3)];
  if ("float" in value) return [textField(1, name), floatField(2, value.float), integerField(20, 1)];
  return [textField(1, name), ...value.map((item) => integerField(8, item)), integerField(20, 7)];
}

/** Writes a TensorProto with external_data (13) and data_location EXTERNAL (14). */
function storedProto(constant: Constant, weightsFile: string, { offset, bytes }: StoredRange): Field[] {
  const entry = (key: string, value: string) => messageField(13, [textField(1, key), textField(2, value)]);
  return [
    ...tensorFields(constant),
    entry("location", weightsFile),
    entry("offset", String(offset)),
    entry("length", String(bytes)),
    integerField(14, 1),
  ];
}

type Constant = Pick<InlineConstant, "name" | "type" | "shape">;

/** Writes what a TensorProto has besides its elements, which field 9 (raw_data) holds where they are inline. */
function tensorFields({ name, type, shape }: Constant): Field[] {
  return [...shape.map((size) => integerField(1, size)), integerField(2, elementTypes[type]), textField(8, name)];
}

/** Writes a ValueInfoProto: TypeProto.Tensor with a TensorShapeProto of dim_value (1) or dim_param (2). */
function portProto({ name, type, shape }: Port): Field[] {
  const dimensions = shape.map((size) =>
    messageField(1, [typeof size === "number" ? integerField(1, size) : textField(2, size)]),
  );
  const tensorType = [integerField(1, elementTypes[type]), messageField(2, dimensions)];
  return [textField(1, name), messageField(2, [messageField(1, tensorType)])];
}

/** Gives the bytes, little-endian as ONNX wants them and every supported machine has them. */
export function bytesOf(elements: Elements): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}
