import { useEffect, useState } from "preact/hooks";

/** A value that tells those who listen when it is replaced. */
export interface Observable<T> {
  get(): T;
  set(value: T): void;
  /** Gives the function that ends it. */
  subscribe(listener: () => void): () => void;
}

export function createObservable<T>(initial: T): Observable<T> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Gives the current value; the component is drawn again when it is replaced. */
export function useValue<T>(observable: Observable<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => observable.subscribe(() => redraw((count) => count + 1)), [observable]);
  return observable.get();
}
