import { describe, expect, it } from "vitest";
import { folderFilter, pathFilter, splitGlob, wholeFolderFilter } from "../../src/bulk/glob.ts";
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
    ["*.jpg", "a", false],
    ["a/*.jpg", "a", true],
    ["a/*.jpg", "b", false],
    ["a/*.jpg", "a/b", false],
    ["20*/a/*.jpg", "2024/a", true],
    ["20*/a/*.jpg", "2024/b", false],
    ["**/*.jpg", "a/b/c", true],
    ["a/**/*.jpg", "a/b/c", true],
    ["a/**/*.jpg", "b", false],
    ["{a/b,c}/*.jpg", "a", true],
  ])("%o and the folder %o: something may lie there is %o", (pattern, folder, isPossible) => {
    expect(folderFilter(pattern)(folder)).toBe(isPossible);
  });

  it.each([
    ["secret/**", "secret", true],
    ["**/cache/**", "a/cache", true],
    ["**", "a", true],
    ["secret/*", "secret", false], // what lies deeper is not meant
    ["secret/**/*.jpg", "secret", false],
    ["*.jpg", "a", false],
  ])("%o leaves nothing of the folder %o: %o", (pattern, folder, isWhole) => {
    expect(wholeFolderFilter(pathFilter([pattern]))(folder)).toBe(isWhole);
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
