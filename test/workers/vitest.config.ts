import { defineConfig } from "vitest/config";

/** `npm run test:queue` installs the servers first: scripts/test-queue.sh. */
export default defineConfig({
  test: {
    include: ["test/workers/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    reporters: ["default", "./test/support/closing-line.ts"],
    pool: "forks",
    maxWorkers: 2,
  },
});
