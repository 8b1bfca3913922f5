/**
 * Has just enough of the protocol buffers wire format to write a message, and to edit one. Fields follow one another in
 * the order given, so that equal messages have equal bytes. https://protobuf.dev/programming-guides/encoding/
 */
export type Field = Uint8Array;

const varintType = 0;
const fixed64Type = 1;
const lengthDelimitedType = 2;
const fixed32Type = 5;

/** @param value an integer; a negative one is written as 64-bit two's complement */
export function integerField(number: number, value: number | bigint): Field {
  return Uint8Array.from([...varint((number << 3) | varintType), ...varint(value)]);
}

export function floatField(number: number, value: number): Field {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return Buffer.concat([Uint8Array.from(varint((number << 3) | fixed32Type)), bytes]);
}

export function bytesField(number: number, bytes: Uint8Array): Field {
  const head = [...varint((number << 3) | lengthDelimitedType), ...varint(bytes.length)];
  return Buffer.concat([Uint8Array.from(head), bytes]);
}

export function textField(number: number, text: string): Field {
  return bytesField(number, new TextEncoder().encode(text));
}

export function messageField(number: number, fields: readonly Field[]): Field {
  return bytesField(number, Buffer.concat(fields));
}

function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/** Holds one field of a message that was read. */
export interface ReadField {
  number: number;
  /** The whole field, as it was read. */
  field: Field;
  /** What a string, bytes or a message holds; undefined where the field is a number. */
  content: Uint8Array | undefined;
}

/** Reads the fields of a message in their order. @throws Error where the bytes are no message. */
export function readFields(message: Uint8Array): ReadField[] {
  const fields: ReadField[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined || !Number.isSafeInteger(scale))
        throw new Error("a protocol buffer is cut off or damaged");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const tag = varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    let content: Uint8Array | undefined;
    if (type === varintType) while (message[at++]! >= 0x80);
    else if (type === fixed64Type) at += 8;
    else if (type === fixed32Type) at += 4;
    else if (type === lengthDelimitedType) {
      const length = varint();
      content = message.subarray(at, at + length);
      at += length;
    } else throw new Error(`a protocol buffer has a field of the unknown type ${type}`);
    if (at > message.length) throw new Error("a protocol buffer is cut off or damaged");
    fields.push({ number, field: message.subarray(start, at), content });
  }
  return fields;
}

/** Writes a message anew, in which `edit` gives what fields of one number hold now. All others stay as they are. */
export function editFields(message: Uint8Array, number: number, edit: (content: Uint8Array) => Uint8Array): Uint8Array {
  const fields = readFields(message).map((it) =>
    it.number === number && it.content ? bytesField(number, edit(it.content)) : it.field,
  );
  return Buffer.concat(fields);
}
