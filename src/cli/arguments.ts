import { readFileSync } from "node:fs";
import { textOf } from "../model/path-name.ts";

/**
 * Gives the program's arguments. Those that are not UTF-8, as names on older disks, come as `textOf` writes them where the
 * system tells their bytes by `/proc`; Node.js makes the same text of all of them.
 */
export function commandArguments(): string[] {
  const decoded = process.argv.slice(2);
  if (!decoded.some((argument) => argument.includes("\ufffd"))) return decoded;
  const given = argumentBytes().slice(-decoded.length);
  return given.length === decoded.length ? given.map(textOf) : decoded;
}

function argumentBytes(): Buffer[] {
  try {
    const line = readFileSync("/proc/self/cmdline", "latin1"); // one character per byte
    return line
      .split("\0")
      .slice(0, -1)
      .map((argument) => Buffer.from(argument, "latin1"));
  } catch {
    return [];
  }
}
