export interface ThumbnailRequest {
  file: Blob;
  side: number;
}

export interface ThumbnailReply {
  /** Absent where the browser cannot draw the picture. */
  thumbnail?: Blob;
}

/** Draws pictures small, away from the thread that answers to the person. */
self.onmessage = async ({ data }: MessageEvent<ThumbnailRequest>) => {
  const thumbnail = await shrink(data).catch(() => undefined);
  const reply: ThumbnailReply = thumbnail ? { thumbnail } : {};
  self.postMessage(reply);
};

async function shrink({ file, side }: ThumbnailRequest): Promise<Blob> {
  const whole = await createImageBitmap(file);
  const factor = Math.min(
    1,
    side / Math.min(whole.width, whole.height),
    (side * 3) / Math.max(whole.width, whole.height),
  );
  const canvas = new OffscreenCanvas(Math.max(1, whole.width * factor), Math.max(1, whole.height * factor));
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
}
