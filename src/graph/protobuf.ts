/**
 * Has just enough of the protocol buffers wire format to write a message. Fields follow one another in the order
 * given, so that equal messages have equal bytes. https://protobuf.dev/programming-guides/encoding/
 */
export type Field = Uint8Array;

const varintType = 0;
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
