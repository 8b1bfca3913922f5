/**
 * Threads inherit the flags of the process. One of them is about the program that is given in place of a file, and no
 * thread starts with it.
 */
export const threadFlags = () =>
  process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};
