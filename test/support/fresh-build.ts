import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

const root = resolve(import.meta.dirname, "../..");

/** Commands, threads and decoder processes of the tests come from `dist/`, which must not be older than `src/`. */
export default function setup(project: TestProject): void {
  buildIfOutdated();
  project.onTestsRerun(buildIfOutdated);
}

function buildIfOutdated(): void {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  const changed = Math.max(...files.map((file) => statSync(join(root, "src", file)).mtimeMs));
  const built = statSync(join(root, "dist/cli/main.js"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built >= changed) return;
  // An error of types is printed, and its files are written all the same; `npm run types` is what refuses it.
  spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
}
