const name = "image-text-encoder.api-key";

/** The key lives as long as the tab: closing it forgets the key. */
export const apiKey = {
  read: (): string | undefined => sessionStorage.getItem(name) ?? undefined,
  write: (key: string): void => sessionStorage.setItem(name, key),
};
