/** This is a decoded picture: `data` holds height * width * 3 bytes, rows top down, R G B interleaved. */
export interface Raster {
  data: Uint8Array;
  width: number;
  height: number;
}

/** This is a picture of any kind: `data` holds height * width * channels bytes, rows top down, channels interleaved. */
export interface Samples extends Raster {
  channels: number;
}
