import type { Command } from "./command.ts";

/** Loads each command by its name. The service, which stays in memory, holds nothing of the others. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  pull: async () => (await import("./pull.ts")).pull,
  models: async () => (await import("./models.ts")).models,
  build: async () => (await import("./build.ts")).build,
  encode: async () => (await import("./encode.ts")).encode,
  index: async () => (await import("./index.ts")).index,
  search: async () => (await import("./search.ts")).search,
  duplicates: async () => (await import("./duplicates.ts")).duplicates,
  work: async () => (await import("./work.ts")).work,
  queue: async () => (await import("./queue.ts")).queue,
  bench: async () => (await import("./bench.ts")).bench,
};

/** Loads all commands, in the order in which help lists them. */
export async function allCommands(): Promise<Record<string, Command>> {
  const loaded = Object.entries(commands).map(async ([name, load]) => [name, await load()] as const);
  return Object.fromEntries(await Promise.all(loaded));
}
