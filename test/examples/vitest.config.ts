import { defineConfig } from "vitest/config";

/** `npm run test:examples` follows the README of every example; paths after `--` choose some of them. */
export default defineConfig({
  test: {
    include: ["test/examples/**/*.test.ts"],
    globalSetup: ["test/examples/support/service.ts"],
    testTimeout: 15 * 60_000, // most of it installs packages of up to 1 GB
    hookTimeout: 120_000, // or removes them
    reporters: ["default", "./test/support/closing-line.ts"],
    pool: "forks",
    maxWorkers: 1, // the examples share one service
  },
});
