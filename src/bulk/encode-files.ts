import { join } from "node:path";
import type { Encoder } from "../encoder/encoder.ts";
import type { ErrorCode } from "../errors.ts";
import { buildId } from "../model/build-id.ts";
import { acquireLock } from "../storage/lock.ts";
import { createErrorList } from "./error-list.ts";
import { openJournal } from "./journal/journal.ts";
import { createParts } from "./parts.ts";
import { type Encode, runBulk, type Tally } from "./run.ts";
import { type OutputFormat, openSink } from "./sinks/open-sink.ts";
import type { Source } from "./sources/source.ts";

export interface EncodeFilesOptions extends OutputFormat {
  /** Absolute path. */
  directory: string;
  source: Source;
  encoder: Encoder;
  partSize: number;
  /** Failures of earlier runs with this code are tried again. */
  retry: ErrorCode | "any" | undefined;
  itemTimeoutMs: number;
  stop: AbortSignal;
  tally: Tally;
}

/** An output keeps here what the next run needs to know. */
export const journalFolder = ".journal";

/**
 * Encodes a source's items into files.
 * @throws EncoderError OUTPUT_REFUSED where the output is in use, or was made with another model or other settings;
 * STORAGE_FAILED where it cannot be written.
 */
export async function encodeFiles(options: EncodeFilesOptions): Promise<void> {
  const { directory, encoder, tower, format, dtype, partSize, retry, stop } = options;
  const { manifest } = encoder;
  const { dimensions } = manifest;
  const lock = await acquireLock({ directory: join(directory, journalFolder), ifHeld: "refuse" });
  try {
    const sink = await openSink({ ...options, dimensions });
    const journal = await openJournal({
      directory: join(directory, journalFolder),
      dimensions,
      forget: retry,
      facts: {
        "the model": `${manifest.name} (build ${buildId(manifest)})`,
        "the precision": manifest[tower].precision,
        inputs: tower === "image" ? "pictures" : "texts",
        "--format": format,
        "--dtype": dtype,
        "--part-size": partSize,
      },
    });
    const errors = await createErrorList(directory);
    try {
      const rows = createParts({ sink, journal, partSize, dimensions });
      const encode = encodeWith(encoder);
      await runBulk({ ...options, encode, journal, rows, errors, stop: AbortSignal.any([stop, lock.signal]) });
      lock.signal.throwIfAborted();
    } finally {
      await errors.close();
      await journal.close();
      sink.close?.();
    }
  } finally {
    await lock.release();
  }
}

/** Encodes one input per call: the encoder joins calls that wait into batches by itself. */
export function encodeWith(encoder: Encoder): Encode {
  return async (input, { signal }) => {
    const { embeddings } =
      typeof input === "string"
        ? await encoder.encodeTexts([input], { signal, wait: true })
        : await encoder.encodeImages([input], { signal, wait: true, keepsBytes: true });
    return embeddings[0]!;
  };
}
