import type { z } from "zod";

/** Describes what a schema found wrong on one line: "size.width: expected …; …". */
export function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
}

/** Parses JSON, of which nothing is undefined: that stands for a text that is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
