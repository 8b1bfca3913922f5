import { lstat, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forgiving, storing } from "./storing.ts";

/**
 * Makes a folder that stays for the next process, if the system's temporary folder lets it. It is this user's own, as
 * whoever else can write to a folder of models decides what this process computes.
 * @throws EncoderError STORAGE_FAILED
 */
export async function temporaryFolder(): Promise<string> {
  const uid = process.getuid?.() ?? -1; // a user without an entry in /etc/passwd has a number all the same
  const folder = join(tmpdir(), `image-text-encoder-${uid}`);
  return storing(async () => {
    await mkdir(folder, { mode: 0o700 }).catch(forgiving("EEXIST"));
    const found = await lstat(folder);
    const isOwn = found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
    return isOwn ? folder : mkdtemp(`${folder}-`);
  });
}
