import { type EncoderConfig, fetchSettings } from "../../config/encoder.ts";
import { pickSettings } from "../../config/setting.ts";
import { createImageFetcher, type FetchOptions } from "../../image/fetch.ts";
import { createBudget } from "./budget.ts";
import type { FileReading } from "./file-item.ts";

/** Creates what the items of a run are read with: one budget of memory for files, and the guarded fetcher for URLs. */
export function createReading(
  settings: FetchOptions & Pick<EncoderConfig, "maxImageBytes"> & { maxReadBytes: number },
): FileReading {
  const { maxReadBytes, maxImageBytes } = settings;
  const fetcher = createImageFetcher({ ...pickSettings(fetchSettings, settings), maxImageBytes });
  return { budget: createBudget(maxReadBytes), fetcher, maxImageBytes };
}
