import { entryBeside as sourceEntryBeside } from "../../src/host/entry.ts";

/**
 * Stands for `src/host/entry.ts` in what is tested, and gives the script that was built from the one in TypeScript, as
 * users run it. To start that one through tsx takes three times as long, and the tests start hundreds.
 */
export const entryBeside: typeof sourceEntryBeside = (moduleUrl, name) =>
  sourceEntryBeside(moduleUrl.replace("/src/", "/dist/").replace(/\.ts$/, ".js"), name);
