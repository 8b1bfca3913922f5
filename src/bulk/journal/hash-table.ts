/** Finds numbers by 64-bit hashes in 25 bytes an entry, where a Map with keys of 16 characters takes 61. */
export interface HashTable {
  /** Gives what was stored for this hash and passes the test, since two keys may share a hash. */
  find(hash: Buffer, isIt: (value: number) => boolean): number | undefined;
  /** Stores a value, in the place of the one that passes the test. */
  set(hash: Buffer, value: number, isIt: (value: number) => boolean): void;
}

const initialCapacity = 1024;
/** Marks a free place. */
const none = 0xffffffff;

export function createHashTable(): HashTable {
  let capacity = initialCapacity;
  let size = 0;
  /** Each place has two words of hash and one of value. */
  let places = emptyPlaces(capacity);

  /** Finds the place of the hash and of a value that passes, or the free one where it would go. */
  function placeOf(high: number, low: number, isIt: (value: number) => boolean): number {
    for (let at = high % capacity; ; at = (at + 1) % capacity) {
      const value = places[3 * at + 2]!;
      if (value === none) return at;
      if (places[3 * at] === high && places[3 * at + 1] === low && isIt(value)) return at;
    }
  }

  function put(at: number, high: number, low: number, value: number): void {
    places[3 * at] = high;
    places[3 * at + 1] = low;
    places[3 * at + 2] = value;
  }

  function grow(): void {
    const old = places;
    capacity *= 2;
    places = emptyPlaces(capacity);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] === none) continue;
      put(
        placeOf(old[at]!, old[at + 1]!, () => false),
        old[at]!,
        old[at + 1]!,
        old[at + 2]!,
      );
    }
  }

  return {
    find(hash, isIt) {
      const value = places[3 * placeOf(hash.readUInt32LE(0), hash.readUInt32LE(4), isIt) + 2]!;
      return value === none ? undefined : value;
    },
    set(hash, value, isIt) {
      const [high, low] = [hash.readUInt32LE(0), hash.readUInt32LE(4)];
      let at = placeOf(high, low, isIt);
      if (places[3 * at + 2] === none && ++size > capacity / 2) {
        grow();
        at = placeOf(high, low, isIt);
      }
      put(at, high, low, value);
    },
  };
}

function emptyPlaces(capacity: number): Uint32Array {
  return new Uint32Array(3 * capacity).fill(none);
}
