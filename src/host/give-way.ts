import { getPriority, setPriority } from "node:os";

/** Who gives way to another by one step has a quarter of the core that both want, so that nobody ever starves. */
const nicerByStep = 5;
const nicest = 19;

/** Lets a process that has just been started give way to its parent. The threads that it will start do so, too. */
export function giveWay(pid: number, steps: number): void {
  makeNicer(pid, getPriority() + steps * nicerByStep);
}

/** Lets the thread that calls this, and those that it will start, give way to the others of its process. */
export function giveWayAsThread(): void {
  const thisThread = 0; // to Linux alone: other systems mean the whole process
  if (process.platform === "linux") makeNicer(thisThread, getPriority(thisThread) + nicerByStep);
}

function makeNicer(id: number, priority: number): void {
  try {
    setPriority(id, Math.min(nicest, priority));
  } catch {
    // It has ended already, or this system allows nobody to be modest.
  }
}
