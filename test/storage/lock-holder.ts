import { acquireLock } from "../../src/storage/lock.ts";

/** A process of its own that takes the lock of the folder it is given, says so, and keeps it until it is killed. */
await acquireLock({ directory: process.argv[2]! });
process.stdout.write("held\n");
setInterval(() => {}, 1000);
