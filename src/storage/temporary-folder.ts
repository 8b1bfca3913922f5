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
  return (await ownTemporaryFolder()) ?? storing(() => mkdtemp(`${stayingFolder()}-`));
}

/** Gives the same folder, or undefined where its name belongs to somebody else. @throws EncoderError STORAGE_FAILED */
export async function ownTemporaryFolder(): Promise<string | undefined> {
  const folder = stayingFolder();
  return storing(async () => {
    await mkdir(folder, { mode: 0o700 }).catch(forgiving("EEXIST"));
    const found = await lstat(folder);
    const isOwn = found.isDirectory() && found.uid === ownUid() && (found.mode & 0o077) === 0;
    return isOwn ? folder : undefined;
  });
}

/** A user without an entry in /etc/passwd has a number all the same. */
const ownUid = () => process.getuid?.() ?? -1;
const stayingFolder = () => join(tmpdir(), `image-text-encoder-${ownUid()}`);
