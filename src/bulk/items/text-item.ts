import { EncoderError } from "../../errors.ts";
import type { Columns, Item } from "./item.ts";

export function textItem({ text, key, columns }: { text: string; key: string; columns: Columns }): Item {
  return {
    identity: `text ${text}`,
    name: text,
    key,
    columns,
    origin: { kind: "text" },
    operand: 0,
    async load() {
      if (text.trim() === "") throw new EncoderError("EMPTY_TEXT", "The text is empty or only white space.");
      return { input: text, version: undefined, release: () => {} };
    },
  };
}
