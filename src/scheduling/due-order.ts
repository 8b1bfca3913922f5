/** Marks something that waits for its turn. `dueAt` is in milliseconds of any clock. */
export interface Due {
  readonly dueAt: number;
}

/** Inserts `item` behind everything that is due at the same time or earlier. `line` is sorted by due time. */
export function insertByDueTime<T extends Due>(line: T[], item: T): void {
  let low = 0;
  let high = line.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (line[middle]!.dueAt <= item.dueAt) low = middle + 1;
    else high = middle;
  }
  line.splice(low, 0, item);
}
