import { expect, it } from "vitest";
import { decodeWindows1252 } from "../../src/server/windows-1252.ts";

it("decodes all of windows-1252 as the web does", () => {
  const specials = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const others = (from: number, to: number) => Buffer.from(all.subarray(from, to)).toString("latin1");
  expect(decodeWindows1252(all)).toBe(others(0, 0x80) + specials + others(0xa0, 0x100));
});
