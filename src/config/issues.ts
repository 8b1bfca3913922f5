import type { z } from "zod";

/** What a schema found, on one line: "size.width: expected …; …" */
export function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
}
