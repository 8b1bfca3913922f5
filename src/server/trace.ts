/**
 * The trace that a request belongs to, by its `traceparent` header (https://www.w3.org/TR/trace-context/), as 32 hexadecimal
 * digits. A header that is malformed says nothing, as if there were none.
 */
export function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  if (typeof traceparent !== "string") return undefined;
  const found = /^(?<version>[\da-f]{2})-(?<trace>[\da-f]{32})-(?<parent>[\da-f]{16})-[\da-f]{2}(?<more>-.*)?$/.exec(
    traceparent,
  );
  if (!found) return undefined;
  const { version, trace, parent, more } = found.groups!;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined; // later versions may add fields
  return /^0+$/.test(trace!) || /^0+$/.test(parent!) ? undefined : trace;
}
