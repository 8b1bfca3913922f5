/** Splits a stream of bytes at every `separator`; what follows the last one counts as a piece unless it is empty. */
export async function* splitBytes(
  chunks: AsyncIterable<Uint8Array>,
  { separator, maxLength }: { separator: number; maxLength: number },
): AsyncGenerator<Piece> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (part: Uint8Array) => {
    if (length <= maxLength) parts.push(part); // what is too long is counted, not kept
    length += part.length;
  };
  const piece = (isEnded: boolean): Piece => {
    const isTooLong = length > maxLength;
    const bytes = isTooLong ? Buffer.alloc(0) : Buffer.concat(parts);
    parts = [];
    length = 0;
    return { bytes, isTooLong, isEnded };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(separator); end >= 0; end = chunk.indexOf(separator, from)) {
      take(chunk.subarray(from, end));
      yield piece(true);
      from = end + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (length > 0) yield piece(false);
}

export interface Piece {
  bytes: Buffer;
  /** True if it had more than `maxLength` bytes, which were dropped. */
  isTooLong: boolean;
  /** True if a separator followed it. */
  isEnded: boolean;
}
