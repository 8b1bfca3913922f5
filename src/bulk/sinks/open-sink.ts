import { EncoderError } from "../../errors.ts";
import { fileSink } from "./file-sink.ts";
import { folderStore } from "./folder-store.ts";
import { jsonlFormat } from "./jsonl.ts";
import { lanceSink } from "./lance.ts";
import { npyFormat } from "./npy.ts";
import { parquetFormat } from "./parquet.ts";
import type { PartFormat, Sink, Tower } from "./sink.ts";

export interface OutputFormat {
  format: "npy" | "parquet" | "jsonl" | "lance";
  dtype: "float32" | "float16";
  tower: Tower;
}

/**
 * Opens the output of a run in a folder.
 * @throws EncoderError CONFIG_INVALID where the format cannot be written, before anything is encoded
 */
export async function openSink(options: OutputFormat & { directory: string; dimensions: number }): Promise<Sink> {
  requireDtype(options);
  if (options.format === "lance") return lanceSink(options);
  return fileSink(await openFormat({ ...options, format: options.format }), folderStore(options.directory));
}

/** The formats whose parts are files, which can be put anywhere. */
export async function openFormat({ format, dtype, tower }: OutputFormat & { format: FileFormat }): Promise<PartFormat> {
  if (format === "jsonl") return jsonlFormat(tower);
  return format === "parquet" ? parquetFormat(tower) : npyFormat({ tower, dtype });
}

type FileFormat = Exclude<OutputFormat["format"], "lance">;

function requireDtype({ format, dtype }: OutputFormat): void {
  if (format === "npy" || dtype === "float32") return;
  throw new EncoderError("CONFIG_INVALID", "--dtype float16 is for --format npy; the other formats hold float32.");
}
