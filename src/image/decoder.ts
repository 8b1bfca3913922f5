import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError, shuttingDown } from "../errors.ts";
import { availableCores } from "../host/available-cores.ts";
import { createLanes, type Turn } from "../scheduling/lanes.ts";
import { latestWeight, Pace } from "../scheduling/pace.ts";
import { BytePool } from "./byte-pool.ts";
import { createDecoderPool, type DecoderPool, type DecoderPoolOptions } from "./decoder-pool.ts";
import { retryAfterSeconds } from "./decoder-process.ts";
import { type Pixels, pixelBytes } from "./pixels.ts";
import { isSmallJpeg } from "./plain-jpeg.ts";

export interface DecoderOptions
  extends Omit<DecoderPoolOptions, "isBackground" | "idleMs" | "pixelMemory">,
    Pick<EncoderConfig, "maxImageBytes"> {
  /** Limits how many images are decoded at the same time; 0 means one per available core. */
  decodeProcesses: number;
  /** Engines decode small JPEGs. */
  leavesSmallJpegs?: boolean;
}

export interface DecodeTurn extends Turn {
  /** An engine declined the image, which was left to it. */
  isDeclined?: boolean;
}

/** Turns encoded images into pixels, in processes of its own: what an image does to its decoder stays there. */
export interface Decoder {
  /** Tells whether an image that has come is left to an engine, which decodes it beside its graph or declines it. */
  leavesToEngine(bytes: Uint8Array): boolean;
  /**
   * Decodes one image when it is due. Aborting drops an image that still waits; one that is being decoded is finished,
   * unobserved.
   * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_DECODE_TIMEOUT, DECODER_FAILED or
   * SHUTTING_DOWN; the signal's reason when aborted.
   */
  decode(bytes: Uint8Array, turn?: DecodeTurn): Promise<Pixels>;
  /** Takes back pixels that nobody reads any more; their memory is used again. */
  giveBack(pixels: Pixels): void;
  /**
   * Estimates the milliseconds that decoding what waits and this many more images takes, of which some are left to engines;
   * 0 while nothing is known.
   */
  msFor(images: number): number;
  close(): Promise<void>;
}

/** An image over which this many processes ended is given up. The first end may be the fault of something else. */
const mostEndsPerImage = 2;

export function createDecoder(options: DecoderOptions): Decoder {
  const { leavesSmallJpegs = false } = options;
  const processes = options.decodeProcesses || availableCores();
  // A priority can only be lowered, so that pictures of a batch have processes of their own: while they are decoded,
  // engines and the decoders of single pictures have the cores that they want.
  const pixelMemory = new BytePool(pixelBytes(options.spec.size));
  const forSingles = createDecoderPool({ keepsOne: true, ...options, pixelMemory });
  const forBatches = createDecoderPool({ ...options, pixelMemory, keepsOne: false, isBackground: true });
  // A picture that takes a second to decode must not hold up a single one that came after a batch of such.
  const lanes = createLanes({ lanes: processes, spareLanes: 1 });
  const pace = new Pace(processes);
  /** This part of the images that came lately was decoded here. */
  let shareDecoded = 1;
  let isClosed = false;

  async function decodeInProcess(bytes: Uint8Array, pool: DecoderPool, since: number): Promise<Pixels> {
    for (let ends = 1; ; ends++) {
      const process = await pool.take(since);
      const startedAt = performance.now();
      const outcome = await process.decode(bytes).finally(() => {
        pace.measure(1, performance.now() - startedAt);
        pool.giveBack(process);
      });
      if (outcome !== "crashed" && outcome !== "killed") return outcome;
      if (isClosed) throw shuttingDown();
      if (ends < mostEndsPerImage) continue;
      if (outcome === "crashed") {
        const internal = "its decoders died";
        throw new EncoderError("IMAGE_UNREADABLE", "The image could not be decoded.", { internal });
      }
      const message = "The image's decoders were ended from outside, as when a machine's memory runs out.";
      throw new EncoderError("DECODER_FAILED", message, { retryAfterSeconds });
    }
  }

  return {
    leavesToEngine(bytes) {
      const isLeft = leavesSmallJpegs && bytes.length <= options.maxImageBytes && isSmallJpeg(bytes);
      shareDecoded += latestWeight * (Number(!isLeft) - shareDecoded);
      return isLeft;
    },
    async decode(bytes, turn = {}) {
      if (isClosed) throw shuttingDown();
      if (turn.isDeclined) shareDecoded = Math.min(1, shareDecoded + latestWeight);
      const most = options.maxImageBytes;
      if (bytes.length > most) {
        throw new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${most} bytes, received ${bytes.length}.`);
      }
      const pool = turn.isOneOfMany ? forBatches : forSingles;
      const since = performance.now();
      return lanes.run(() => decodeInProcess(bytes, pool, since), turn);
    },
    giveBack: ({ data }) => pixelMemory.giveBack(data),
    msFor: (images) => pace.msFor(lanes.waiting + shareDecoded * images),
    async close() {
      isClosed = true;
      lanes.clear(shuttingDown());
      await Promise.all([forSingles.close(), forBatches.close()]);
    },
  };
}
