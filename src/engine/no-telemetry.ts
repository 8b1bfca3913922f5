import { isMainThread } from "node:worker_threads";

// From 1.29 on, ONNX Runtime tells Microsoft what opens and runs graphs, and keeps a name of this machine and a database
// of what it could not send, unless this variable says otherwise when it is loaded:
// https://github.com/microsoft/onnxruntime/pull/27379. Threads have a copy of the environment, which the runtime does not
// read, so that this module stands before each place where a thread is started that opens graphs.
if (!isMainThread && process.env.ORT_DISABLE_TELEMETRY !== "1") {
  process.emitWarning(
    "ONNX Runtime sends telemetry unless ORT_DISABLE_TELEMETRY=1 stands in the environment, which no thread but the " +
      "main one can write. Set it there, or import image-text-encoder in the main thread first.",
  );
}
process.env.ORT_DISABLE_TELEMETRY = "1";
