/** Runs as the thread of an engine whose tensors come as they are. */
import { serveGraph } from "./serve-graph.ts";

await serveGraph();
