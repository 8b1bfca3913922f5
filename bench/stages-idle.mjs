/** A process that has nothing to do: by how much the machine itself delays a turn of its event loop, between "begin" and "end". */
import { monitorEventLoopDelay } from "node:perf_hooks";

let delay;
process.on("message", (word) => {
  if (word === "begin") {
    delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    process.send("ready");
  } else {
    delay.disable();
    process.send(delay.max / 1e6);
  }
});
