import { constants } from "node:os";

/**
 * Says in the loader's words why a shared library cannot be loaded. ONNX Runtime says so in its log alone. With RTLD_NOW
 * a library whose symbols are not all found is refused before any of its code runs.
 * @param path of a library that somebody else failed to load
 */
export function whyNotLoaded(path: string): string {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW);
    return "it can be loaded now";
  } catch (error) {
    return (error as Error).message; // dlopen throws nothing else
  }
}
