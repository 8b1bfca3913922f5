import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Headers } from "tar-stream";
import { EncoderError, toEncoderError } from "../../errors.ts";
import { loadOptional } from "../../host/optional-package.ts";
import { bytesOf, nameOf } from "../../model/path-name.ts";
import { absoluteName } from "../items/absolute-path.ts";
import { type FileReading, failedItem, orExplain } from "../items/file-item.ts";
import type { Columns, Item } from "../items/item.ts";
import { textItem } from "../items/text-item.ts";
import { isPictureName } from "./endings.ts";
import { flat, parseJson } from "./line-records.ts";
import type { Source } from "./source.ts";

export interface TarOptions {
  file: string;
  isText: boolean;
  maxInflatedBytes: number;
  reading: FileReading;
}

/** A caption or a JSON of facts is larger only by mistake. */
const maxCaptionBytes = 1 << 20;

/** Bytes of a member's header. */
const headerBytes = 512;

/** Holds members that belong together, because their names are the same up to the first dot. */
interface Sample {
  key: string;
  picture?: { name: string; index: number; offset: number; bytes: Uint8Array; release: () => void };
  columns: Record<string, Columns[string]>;
}

/** The library's types leave out the extended headers of PAX. */
type MemberHeader = Headers & { pax?: Record<string, string> | null };

interface Member {
  header: MemberHeader;
  /** Position in the tar. */
  index: number;
  /** Its bytes begin there in the tar, once that is inflated. */
  offset: number;
  read(): Promise<Buffer>;
}

/** Streams the pictures of a tar in WebDataset form, with captions and facts as columns, in one pass. */
export function tarSource(options: TarOptions): Source {
  return {
    async *items() {
      let version = "";
      let sample: Sample | undefined;
      const take = () => {
        const items = sample ? itemsOf(sample, options, version) : [];
        sample = undefined;
        return items;
      };
      try {
        const { size, mtimeNs } = await orExplain(() => stat(bytesOf(options.file), { bigint: true }));
        version = `${size}:${mtimeNs}`;
        for await (const member of members(options)) {
          const name = member.header.name;
          if (/(^|\/)\._[^/]*$/.test(name)) continue; // what macOS keeps of a file beside it
          const problem = problemOf(member.header, options);
          if (problem) {
            yield* take();
            yield failedItem({ name: `${options.file}/${nameOf(Buffer.from(name))}`, key: name, error: problem });
            continue;
          }
          const { key, ending } = splitName(name);
          const isPicture = !options.isText && isPictureName(name);
          if (sample && (sample.key !== key || (isPicture && sample.picture))) yield* take();
          sample ??= { key, columns: {} };
          if (isPicture) sample.picture = await readPicture(member, options.reading);
          else if (ending === "txt" || ending === "caption")
            sample.columns.caption = (await member.read()).toString().trim();
          else if (ending === "json") Object.assign(sample.columns, await readFacts(member));
        }
        yield* take();
      } catch (thrown) {
        yield* take();
        yield failedItem({ name: options.file, key: options.file, error: explain(thrown) });
      }
    },
    count: async () => false,
  };
}

function itemsOf({ key, picture, columns }: Sample, { file, isText }: TarOptions, version: string): Item[] {
  const { caption } = columns;
  if (isText) return typeof caption === "string" ? [textItem({ text: caption, key, columns: rest(columns) })] : [];
  if (!picture) return [];
  const { name, index, offset, bytes, release } = picture;
  const tar = absoluteName(file);
  const place = isCompressed(file) ? undefined : { tar: bytesOf(tar), offset, size: bytes.length };
  return [
    {
      identity: `tar ${tar} ${index} ${name}`,
      name: `${file}/${nameOf(Buffer.from(name))}`,
      key,
      columns,
      origin: { kind: "member", path: `${basename(file)}/${nameOf(Buffer.from(below(name)))}`, place },
      operand: 0,
      version: async () => version,
      load: async () => ({ input: bytes, version, release }),
      discard: release,
    },
  ];
}

const isCompressed = (file: string) => /gz$/.test(file);

const rest = ({ caption: _caption, ...columns }: Columns): Columns => columns;

async function* members({ file, maxInflatedBytes }: TarOptions): AsyncGenerator<Member> {
  const reading = { purpose: "Reading a tar", packages: ["tar-stream"] };
  const { extract } = await loadOptional(reading, () => import("tar-stream"));
  const tar = extract();
  const source = createReadStream(bytesOf(file));
  const fail = (error: Error) => tar.destroy(error);
  source.on("error", fail);
  if (isCompressed(file)) {
    const limited = limitBytes(maxInflatedBytes).on("error", fail);
    source.pipe(createGunzip().on("error", fail)).pipe(limited).pipe(tar);
  } else source.pipe(tar);
  let index = 0;
  try {
    for await (const entry of tar) {
      const read = async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of entry) chunks.push(chunk);
        return Buffer.concat(chunks);
      };
      const { offset } = entry as typeof entry & { offset: number }; // of the header; the library's types leave it out
      yield { header: entry.header, index: index++, offset: offset + headerBytes, read };
      entry.resume();
    }
  } finally {
    source.destroy();
  }
}

function problemOf({ type, size = 0, name, pax }: MemberHeader, options: TarOptions): EncoderError | undefined {
  if (type === "directory" || type === "pax-global-header") return undefined;
  const isSparse = Object.keys(pax ?? {}).some((field) => field.startsWith("GNU.sparse."));
  if ((type !== "file" && type !== "contiguous-file") || isSparse) {
    const kind = isSparse || type == null ? "a sparse file or something unknown" : `a ${type}`;
    return new EncoderError("INPUT_REFUSED", `Expected files in the tar, found ${kind}.`);
  }
  const isPicture = isPictureName(name);
  const most = isPicture ? options.reading.maxImageBytes : maxCaptionBytes;
  const isRead = isPicture ? !options.isText : /\.(txt|caption|json)$/.test(name);
  if (!isRead || size <= most) return undefined;
  return new EncoderError(
    isPicture ? "IMAGE_TOO_LARGE" : "INPUT_REFUSED",
    `Expected at most ${most} bytes in a member of the tar, found ${size}.`,
  );
}

async function readPicture(member: Member, { budget }: FileReading) {
  const release = await budget.take(member.header.size ?? 0, new AbortController().signal);
  try {
    const { header, index, offset } = member;
    return { name: header.name, index, offset, bytes: await member.read(), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function readFacts(member: Member): Promise<Columns> {
  const bytes = await member.read();
  try {
    const facts = parseJson(bytes.toString());
    return facts !== null && typeof facts === "object" && !Array.isArray(facts) ? flat(facts) : {};
  } catch {
    return {}; // what is said of a picture is not needed for its vector
  }
}

/** Gives the name that a member would have below the folder that it is unpacked into. */
const below = (name: string) =>
  name
    .split("/")
    .filter((part) => !["", ".", ".."].includes(part))
    .join("/");

/** Splits `a/b.c.jpg` into `a/b` and `c.jpg`. */
function splitName(name: string): { key: string; ending: string } {
  const [, key = name, ending = ""] = /^(.*?[^/.][^/.]*)\.([^/]*)$/.exec(name) ?? [];
  return { key, ending: ending.toLowerCase() };
}

function limitBytes(most: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk, _encoding, done) {
      bytes += chunk.length;
      const message = `The tar inflates to more than ${most} bytes (MAX_INFLATED_BYTES).`;
      if (bytes > most) done(new EncoderError("INPUT_REFUSED", message));
      else done(null, chunk);
    },
  });
}

function explain(thrown: unknown): EncoderError {
  if (thrown instanceof EncoderError) return thrown;
  const { message } = toEncoderError(thrown);
  return new EncoderError("INPUT_UNREADABLE", "The tar is cut off or malformed; what came before it was read.", {
    cause: thrown,
    internal: message,
  });
}
