import { join } from "node:path";

/** Tells where an index keeps the thumbnail of what is not a file, by the hash of its bytes, a SHA-256 in base64. */
export function thumbnailPath(directory: string, contentHash: string): string {
  const name = Buffer.from(contentHash, "base64").toString("hex");
  return join(directory, "thumbnails", name.slice(0, 2), `${name}.webp`);
}
