import { createDecoder, type Decoder, type DecoderOptions } from "./decoder.ts";

/** Makes small pictures of pictures, in decoder processes of its own. */
export interface Thumbnailer {
  /**
   * Makes a WebP that fits a square of `width` pixels.
   * @throws EncoderError as Decoder.decode
   */
  thumbnail(bytes: Uint8Array, options: { width: number; signal?: AbortSignal }): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The processes of a width are started with its first picture. */
export function createThumbnailer(settings: Omit<DecoderOptions, "spec" | "webpWidth">): Thumbnailer {
  const decoders = new Map<number, Decoder>();
  const decoderFor = (width: number) => {
    const spec = { size: width, resize: width, background: [255, 255, 255] as const };
    const decoder = decoders.get(width) ?? createDecoder({ ...settings, decodeProcesses: 1, spec, webpWidth: width });
    decoders.set(width, decoder);
    return decoder;
  };
  return {
    async thumbnail(bytes, { width, signal }) {
      const { data } = await decoderFor(width).decode(bytes, signal && { signal });
      return data;
    },
    async close() {
      await Promise.all([...decoders.values()].map((decoder) => decoder.close()));
    },
  };
}
