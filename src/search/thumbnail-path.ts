import { join } from "node:path";

/** Where an index keeps the thumbnail of what is not a file, by the hash of its bytes. @param contentHash SHA-256 as base64 */
export function thumbnailPath(directory: string, contentHash: string): string {
  const name = Buffer.from(contentHash, "base64").toString("hex");
  return join(directory, "thumbnails", name.slice(0, 2), `${name}.webp`);
}
