/**
 * Where the compiled script `file` lies, for starting a thread or a process from `moduleUrl`. Node 20 starts only
 * JavaScript; when the caller itself runs from src/ (tests, development), that is the build's copy in dist/.
 */
export function compiledEntry(moduleUrl: string, file: string): URL {
  const source = moduleUrl.endsWith(".ts") ? moduleUrl.replace(/\/src\/(?!.*\/src\/)/, "/dist/") : moduleUrl;
  return new URL(file, source);
}
