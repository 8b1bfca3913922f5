import type { Picture } from "./picture.ts";

/** By name, since browsers tell no type of a HEIC or a RAW file. Bytes decide later, in the service. */
const pictureName = /\.(jpe?g|jfif|png|gif|webp|avif|bmp|tiff?|heic|heif|dng|cr2|cr3|nef|arw|raf|orf|rw2|jxl|svg)$/i;
/** Operating systems leave these beside pictures. */
const clutter = /(^|\/)(\.|@eaDir\/|Thumbs\.db$)/;

export interface Found {
  file: File;
  /** With the folders that were dropped or chosen. */
  path: string;
}

export function isPicture({ file, path }: Found): boolean {
  return !clutter.test(path) && (file.type.startsWith("image/") || pictureName.test(path));
}

export function filesOfInput(input: HTMLInputElement): Found[] {
  return [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Lists all files that were dropped, folders with everything in them. */
export async function filesOfDrop(transfer: DataTransfer): Promise<Found[]> {
  // Entries must be taken before the first wait: the browser empties the transfer when the event is over.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = await Promise.all(entries.map((entry) => filesOfEntry(entry, "")));
  return found.flat();
}

async function filesOfEntry(entry: FileSystemEntry, folder: string): Promise<Found[]> {
  const path = folder + entry.name;
  if (isFile(entry)) {
    const file = await new Promise<File | undefined>((resolve) => entry.file(resolve, () => resolve(undefined)));
    return file ? [{ file, path }] : [];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader(); // an entry is a file or a directory
  const found: Found[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (part.length === 0) return found; // a reader gives a hundred at a time
    for (const child of part) found.push(...(await filesOfEntry(child, `${path}/`)));
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

let lastId = 0;

export function pictureOfFile({ file, path }: Found): Picture {
  return { id: `own-${++lastId}`, name: path, origin: { kind: "file", file } };
}
