import { describe, expect, it } from "vitest";
import { hasInt8Products, machineSummary, processorClass } from "../../src/host/processor.ts";

const withFlags = (flags: string) => () => `processor\t: 0\nflags\t\t: fpu sse2 ${flags}\nbugs\t\t: none\n`;

describe("the processor's class", () => {
  it("is the fastest kind of 8-bit product that the processor has", () => {
    expect(processorClass(withFlags("avx2 avx512_vnni amx_bf16 amx_int8"))).toBe("AMX");
    expect(processorClass(withFlags("avx2 avx512f avx512_vnni"))).toBe("AVX-512 VNNI");
    expect(processorClass(withFlags("avx2 avx_vnni"))).toBe("AVX-VNNI");
  });

  it("is AVX2 only where 8-bit products have no instruction of their own", () => {
    expect(processorClass(withFlags("avx2 avx512f"))).toBe("AVX2 only");
  });

  it("is the architecture where the flags are unknown", () => {
    expect(processorClass(() => "")).toBe(process.arch);
  });

  it("tells where 8-bit products are fast", () => {
    const fast = ["avx2 avx512_vnni amx_int8", "avx2 avx512_vnni", "avx2 avx_vnni"];
    expect(fast.map((flags) => hasInt8Products(withFlags(flags)))).toEqual([true, true, true]);
    expect([hasInt8Products(withFlags("avx2 avx512f")), hasInt8Products(() => "")]).toEqual([false, false]);
  });

  it("stands in the summary of the machine", () => {
    expect(machineSummary()).toContain(`(${processorClass()})`);
  });
});
