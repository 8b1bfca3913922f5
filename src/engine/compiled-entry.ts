export { compiledEntry } from "../compiled-entry.ts";
