/** Holds a decoded picture: `data` has height * width * 3 bytes, rows top down, R G B interleaved. */
export interface Raster {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Holds a picture with any number of channels: `data` has height * width * channels bytes, rows top down, channels
 * interleaved.
 */
export interface Samples extends Raster {
  channels: number;
}
