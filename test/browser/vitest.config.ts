import { defineConfig } from "vitest/config";

/** `npm run test:browser` needs Debian's chromium, or the one that CHROMIUM names. */
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/browser/support/models.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } }, // what is waited for comes at once, unless the machine is busy
    reporters: ["default", "./test/support/closing-line.ts"],
    pool: "forks",
    maxWorkers: 1, // a browser and a service fill a small machine
  },
});
