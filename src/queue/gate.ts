/** Lets work pass that may go on beside other work, and work that must be alone, in the order in which it came. */
export function createGate() {
  let running = 0;
  let isAlone = false;
  const waiting: { kind: Kind; start(): void }[] = [];
  const next = () => {
    while (waiting[0] && !isAlone && (waiting[0].kind === "shared" || running === 0)) {
      const { kind, start } = waiting.shift()!;
      running++;
      isAlone = kind === "alone";
      start();
    }
  };
  return async <T>(kind: Kind, work: () => Promise<T>): Promise<T> => {
    await new Promise<void>((start) => {
      waiting.push({ kind, start });
      next();
    });
    try {
      return await work();
    } finally {
      running--;
      isAlone = false;
      next();
    }
  };
}

type Kind = "shared" | "alone";
