import { defineConfig } from "vitest/config";

/** `npm run test:queue` installs the servers first: scripts/test-queue.sh. */
export default defineConfig({
  test: {
    include: ["test/workers/**/*.test.ts"],
    testTimeout: 600_000, // each test starts several services, which take half a minute on a machine that is busy
    hookTimeout: 180_000,
    reporters: ["default", "./test/support/closing-line.ts"],
    pool: "forks",
    maxWorkers: 2,
  },
});
