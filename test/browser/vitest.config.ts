import { defineConfig } from "vitest/config";
import { patienceMs } from "./support/browser.ts";

/** `npm run test:browser` needs Debian's chromium-headless-shell or chromium, or the one that CHROMIUM names. */
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/browser/support/models.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // On a shared runner a browser can lose its frames for seconds. What fails twice is a fault.
    retry: process.env.CI ? 1 : 0,
    expect: { poll: { timeout: patienceMs } },
    reporters: ["default", "./test/support/closing-line.ts"],
    pool: "forks",
    maxWorkers: 1, // a browser and a service fill a small machine
  },
});
