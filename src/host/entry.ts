import { fileURLToPath } from "node:url";

/**
 * Finds the script `name` (without its ending) beside the module `moduleUrl`. In dist/ it is JavaScript. In src/, which
 * tests and development use, it is TypeScript, which Node 20 can only start with the help of tsx.
 * @returns `thread` for `new Worker()`, and for `fork()` the path of `process` and the flags of Node.js that it needs
 */
export function entryBeside(moduleUrl: string, name: string) {
  const isSource = moduleUrl.endsWith(".ts");
  const script = new URL(`./${name}.${isSource ? "ts" : "js"}`, moduleUrl);
  const process = { path: fileURLToPath(script), execArgv: isSource ? ["--import", "tsx"] : [] };
  return { thread: isSource ? throughTsx(script) : script, process };
}

/** A thread does not inherit the hooks of `--import`, so it registers them by itself. */
function throughTsx(script: URL): URL {
  const api = import.meta.resolve("tsx/esm/api");
  const source = `import { register } from ${JSON.stringify(api)}; register(); await import(${JSON.stringify(script)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
