import { describe, expect, it } from "vitest";
import { traceIdOf } from "../../src/server/trace.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

describe("the trace of a request", () => {
  it("is that of its traceparent header, of later versions too", () => {
    expect(traceIdOf(`00-${trace}-${parent}-01`)).toBe(trace);
    expect(traceIdOf(`cc-${trace}-${parent}-00`)).toBe(trace);
    expect(traceIdOf(`cc-${trace}-${parent}-00-what-comes-later`)).toBe(trace);
  });

  it.each([
    ["missing", undefined],
    ["sent twice", [`00-${trace}-${parent}-01`, `00-${trace}-${parent}-01`]],
    ["sent twice and joined", `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`],
    ["empty", ""],
    ["of the forbidden version", `ff-${trace}-${parent}-01`],
    ["longer than its version allows", `00-${trace}-${parent}-01-more`],
    ["in capitals", `00-${trace.toUpperCase()}-${parent}-01`],
    ["without a trace", `00-${"0".repeat(32)}-${parent}-01`],
    ["without a parent", `00-${trace}-${"0".repeat(16)}-01`],
    ["too short", `00-${trace.slice(1)}-${parent}-01`],
    ["full of something else", `00-${"\n".repeat(32)}-${parent}-01`],
    ["very long", `00-${"a".repeat(10_000)}-${parent}-01`],
  ])("is unknown where the header is %s", (_how, header) => {
    expect(traceIdOf(header)).toBeUndefined();
  });
});
