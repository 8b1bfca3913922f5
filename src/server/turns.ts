/**
 * Bytes of a body that are copied, parsed or decoded between two turns of the event loop: some 10 ms each. Where a step
 * cannot be divided, the next one at least waits for its own turn.
 */
export const bytesPerTurn = 4 * 1024 * 1024;

/** Gives a function that is told of bytes worked on, and waits for the next turn once enough have come together. */
export function turnBudget(nextTurn: () => Promise<void>): (bytes: number) => Promise<void> {
  let sinceTurn = 0;
  return async (bytes) => {
    sinceTurn += bytes;
    if (sinceTurn < bytesPerTurn) return;
    sinceTurn = 0;
    await nextTurn();
  };
}
