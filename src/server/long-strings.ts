import { isAscii } from "node:buffer";
import { randomUUID } from "node:crypto";
import { EncoderError } from "../errors.ts";
import type { LongString } from "./json-guard.ts";
import { bytesPerTurn, turnBudget } from "./turns.ts";

/**
 * Takes long strings out of JSON before it is parsed. JSON.parse and UTF-8 decoding would hold the event loop for 35 ms where
 * an image of 15 MB comes as base64; copying its ASCII takes 2, or 11 where all of its memory is new. Strings beyond ASCII
 * stay where they are.
 * @returns the rest of the body, with a short mark in place of each string, and what puts them back into what was parsed
 * @throws EncoderError INVALID_JSON for a control character in a string, as JSON.parse has it.
 */
export async function takeOut(
  body: Buffer,
  { longStrings, nextTurn }: { longStrings: readonly LongString[]; nextTurn: () => Promise<void> },
) {
  const mark = randomUUID(); // nobody can have sent it
  const taken = new Map<string, string>();
  const pieces: Buffer[] = [];
  let copiedTo = 0;
  const spend = turnBudget(nextTurn);
  for (const { start, end } of longStrings) {
    const bytes = body.subarray(start, end);
    await spend(bytes.length);
    if (!isAscii(bytes)) continue;
    const text = bytes.toString("latin1"); // cannot be divided: a string is made in one go
    await spend(bytes.length);
    for (let at = 0; at < text.length; at += bytesPerTurn) {
      const portion = text.slice(at, at + bytesPerTurn);
      if (controlCharacter.test(portion)) {
        const message = "The request body is not valid JSON: a string holds a control character.";
        throw new EncoderError("INVALID_JSON", message);
      }
      await spend(portion.length);
    }
    const name = `${mark}.${taken.size}`;
    taken.set(name, text);
    pieces.push(body.subarray(copiedTo, start), Buffer.from(name));
    copiedTo = end;
  }
  pieces.push(body.subarray(copiedTo));
  return { rest: Buffer.concat(pieces), restore: (value: unknown) => restored(value, taken) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that JSON forbids in strings
const controlCharacter = /[\x00-\x1f]/;

/** Changes objects and arrays in place. Their depth has a limit, see JsonGuard. */
function restored(value: unknown, taken: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return taken.get(value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  const holder = value as Record<string, unknown>; // an array's indices are keys, too
  for (const key of Object.keys(holder)) {
    const inner = restored(holder[key], taken);
    if (inner !== holder[key]) holder[key] = inner;
  }
  return value;
}
