import { describe, expect, it } from "vitest";
import { pathFilter, splitGlob } from "../../src/bulk/glob.ts";
import { inputSettings } from "../../src/config/bulk.ts";

describe("a pattern", () => {
  it.each([
    ["*.jpg", "a.jpg", true],
    ["*.jpg", "below/a.jpg", true],
    ["*.jpg", "a.jpg.txt", false],
    ["*.{jpg,png}", "a.png", true],
    ["below/*.jpg", "below/a.jpg", true],
    ["below/*.jpg", "below/deeper/a.jpg", false],
    ["below/**", "below/deeper/a.jpg", true],
    ["**/2024/*", "2024/a", true],
    ["**/2024/*", "x/y/2024/a", true],
    ["photo?.[jp]*", "photo1.png", true],
    ["[!a]*", "abc", false],
    ["a+(b).jpg", "a+(b).jpg", true],
    ["a+(b).jpg", "aab.jpg", false],
    ["new\nline*", "new\nline 🚲", true],
  ])("%o about %o says %o", (pattern, path, isMeant) => {
    expect(pathFilter([pattern])(path)).toBe(isMeant);
  });

  it.each([
    ["photos/*.jpg", "photos", "*.jpg"],
    ["*.jpg", ".", "*.jpg"],
    ["/photos/**/a/*.jpg", "/photos", "**/a/*.jpg"],
    ["/*.jpg", "/", "*.jpg"],
  ])("%s is looked for in its folder", (text, base, pattern) => {
    expect(splitGlob(text)).toEqual({ base, pattern });
  });

  it.each([
    ["*.jpg,2024/**", ["*.jpg", "2024/**"]],
    ["*.{jpg,png}, a", ["*.{jpg,png}", "a"]],
    ["{a,{b,c}},d", ["{a,{b,c}}", "d"]],
    ["a},b", ["a}", "b"]],
  ])("%s is a list of patterns, whose braces hold their commas", (list, patterns) => {
    expect(inputSettings.include.schema.parse(list)).toEqual(patterns);
  });
});
