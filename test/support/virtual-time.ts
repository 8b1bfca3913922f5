/** Makes a clock that stands still until the test moves it. */
export function virtualTime() {
  let now = 0;
  const events: { at: number; happen: () => void }[] = [];
  return {
    now: () => now,
    /** Resolves when the clock stands `ms` later. */
    sleep: (ms: number) => new Promise<void>((resolve) => events.push({ at: now + ms, happen: resolve })),
    /** Moves the clock from one event to the next, as long as there are any up to that time. */
    async runUntil(end: number): Promise<void> {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve)); // lets the consequences of the event happen
        const next = events.reduce((first, event) => (event.at < first.at ? event : first), { at: end, happen() {} });
        if (!events.includes(next)) break;
        events.splice(events.indexOf(next), 1);
        now = next.at;
        next.happen();
      }
      now = end;
    },
  };
}
