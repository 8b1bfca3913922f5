import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: [
      { find: /^\.\.\/host\/entry\.ts$/, replacement: resolve(import.meta.dirname, "test/support/built-entry.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // These need a browser, the real checkpoint, packages of their own, or servers.
    exclude: ["**/node_modules/**", "test/browser/**", "test/clip/**", "test/examples/**", "test/workers/**"],
    globalSetup: ["test/support/fresh-build.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", "./test/support/closing-line.ts"],
    pool: "forks",
    // Two encoders already fill a small machine. More would make every test slower and noisier.
    maxWorkers: 2,
  },
});
