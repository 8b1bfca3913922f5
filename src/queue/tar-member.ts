import { type FileReading, readWithin, withFile } from "../bulk/items/file-item.ts";
import type { Columns, Item } from "../bulk/items/item.ts";

export interface TarMember {
  /** Path of the tar, with one character per byte. */
  tar: string;
  /** The member's bytes lie there in it. */
  offset: number;
  size: number;
  name: string;
  key: string;
  columns: Columns;
}

/** A picture in a plain tar, read at its place without reading what lies before it. */
export function tarMemberItem({ tar, offset, size, name, key, columns }: TarMember, reading: FileReading): Item {
  return {
    ...{ identity: `tar ${tar} ${offset}`, name, key, columns, origin: { kind: "member", path: name }, operand: 0 },
    load: (signal) =>
      withFile(Buffer.from(tar, "latin1"), reading, async (handle) => {
        return { ...(await readWithin(handle, reading, { offset, size, signal })), version: undefined };
      }),
  };
}
