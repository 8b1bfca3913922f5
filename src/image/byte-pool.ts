/** So much idle memory is kept, or two arrays of any length; what is beyond it, as after a rush, V8 collects. */
const mostIdleBytes = 2 * 1024 * 1024;
const leastIdleArrays = 2;

/**
 * Lends byte arrays of one length. They lie outside of V8's heap, which looks through all of its objects to find out that
 * such memory is free, and the system fills new memory with zeros; what is lent again costs neither.
 */
export class BytePool {
  readonly length: number;
  readonly #idle: ArrayBuffer[] = [];

  constructor(length: number) {
    this.length = length;
  }

  /** Lends an array, which may hold anything. */
  take(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#idle.pop() ?? new ArrayBuffer(this.length));
  }

  /** Takes back the memory of an array, or of a part of one, that nobody reads any more. Other memory is left alone. */
  giveBack({ buffer }: Uint8Array<ArrayBufferLike>): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== this.length || this.#idle.includes(buffer)) return;
    const idle = this.#idle.length + 1;
    if (idle <= leastIdleArrays || idle * this.length <= mostIdleBytes) this.#idle.push(buffer);
  }
}
