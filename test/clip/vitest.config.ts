import { defineConfig } from "vitest/config";

/** `npm run test:clip` needs the real checkpoint, so `npm test` leaves it out. */
export default defineConfig({
  test: { include: ["test/clip/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
});
