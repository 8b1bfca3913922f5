/** Tells whether a path (with `/` between its parts) is meant. */
export type PathFilter = (path: string) => boolean;

/**
 * Creates a filter that passes what any of the patterns matches: `*` and `?` stay within a name, `**` crosses folders,
 * `[a-z]` and `{jpg,png}` are alternatives. A pattern without a slash is about the name alone. Case matters.
 */
export function pathFilter(patterns: readonly string[]): PathFilter {
  const tests = patterns.map((pattern) => {
    const expression = globExpression(pattern);
    return pattern.includes("/")
      ? (path: string) => expression.test(path)
      : (path: string) => expression.test(path.slice(path.lastIndexOf("/") + 1));
  });
  return (path) => tests.some((test) => test(path));
}

/** Creates a filter that passes folders in which something may lie that the pattern matches. */
export function folderFilter(pattern: string): PathFilter {
  if (/\{[^}]*\//.test(pattern)) return () => true; // its alternatives have slashes of their own
  const parts = pattern.split("/");
  const crossing = parts.findIndex((part) => part.includes("**"));
  const fixed = (crossing === -1 ? parts.slice(0, -1) : parts.slice(0, crossing)).map(globExpression);
  return (folder) => {
    const names = folder.split("/");
    if (crossing === -1 && names.length > fixed.length) return false;
    return names.slice(0, fixed.length).every((name, at) => fixed[at]!.test(name));
  };
}

/** Creates a filter that passes folders of which everything is matched, however deep it lies. */
export function wholeFolderFilter(isMatched: PathFilter): PathFilter {
  const any = "\x01";
  return (folder) => isMatched(`${folder}/${any}`) && isMatched(`${folder}/${any}/${any}`);
}

export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** Splits `photos/2024/**` into the part before the first folder that is a pattern, and the pattern below it. */
export function splitGlob(text: string): { base: string; pattern: string } {
  const parts = text.split("/");
  const first = parts.findIndex(isGlob);
  const base = parts.slice(0, first).join("/");
  const root = text.startsWith("/") ? "/" : ".";
  return { base: base === "" ? root : base, pattern: parts.slice(first).join("/") };
}

function globExpression(pattern: string): RegExp {
  let expression = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (pattern.startsWith("**/", at)) {
      expression += "(?:[^/]+/)*";
      at += 2;
    } else if (pattern.startsWith("**", at)) {
      expression += ".*";
      at += 1;
    } else if (character === "*") expression += "[^/]*";
    else if (character === "?") expression += "[^/]";
    else if (character === "[" && pattern.indexOf("]", at + 2) > 0) {
      const end = pattern.indexOf("]", at + 2);
      const set = pattern.slice(at + 1, end).replace(/[\\\]]/g, "\\$&");
      expression += set.startsWith("!") ? `[^${set.slice(1)}]` : `[${set}]`;
      at = end;
    } else if (character === "{") {
      depth++;
      expression += "(?:";
    } else if (character === "}" && depth > 0) {
      depth--;
      expression += ")";
    } else if (character === "," && depth > 0) expression += "|";
    else expression += character.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
  }
  return new RegExp(`^${expression}${")".repeat(depth)}$`, "su");
}
