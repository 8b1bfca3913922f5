/** A process with nothing to do, which measures how long the machine itself delays a turn of the event loop. */
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
