/**
 * Runs as a thread that decodes HEIC files with libheif in WebAssembly, one at a time. It is a thread of
 * its own, so that the decoder process can look at its memory meanwhile, and because WebAssembly gives memory back only
 * when its thread ends.
 */
import { parentPort } from "node:worker_threads";
import libheif from "libheif-js/wasm-bundle.js";
import type { HeicReply, HeicRequest } from "./heic.ts";

function decode({ file, maxImagePixels, wantsAlpha }: HeicRequest): HeicReply {
  const context = libheif.heif_context_alloc();
  const read = libheif.heif_context_read_from_memory(context, file);
  if (read.code !== libheif.heif_error_code.heif_error_Ok) return { kind: "failure", internal: read.message };
  const handle = libheif.heif_js_context_get_primary_image_handle(context);
  if ("message" in handle) return { kind: "failure", internal: handle.message };

  const width = libheif.heif_image_handle_get_width(handle);
  const height = libheif.heif_image_handle_get_height(handle);
  if (width * height > maxImagePixels) return { kind: "too large", width, height };
  const isPremultiplied = libheif.heif_image_handle_is_premultiplied_alpha(handle) !== 0;
  // Colours that were multiplied by their alpha need it, even where it is dropped afterwards.
  const hasAlpha = libheif.heif_image_handle_has_alpha_channel(handle) !== 0 && (wantsAlpha || isPremultiplied);

  const { heif_chroma_interleaved_RGB: rgb, heif_chroma_interleaved_RGBA: rgba } = libheif.heif_chroma;
  const { heif_colorspace_RGB: colours } = libheif.heif_colorspace;
  const decoded = libheif.heif_js_decode_image2(handle, colours, hasAlpha ? rgba : rgb);
  if ("code" in decoded) return { kind: "failure", internal: decoded.message };
  const [plane] = decoded.channels;
  if (!plane || plane.width !== width || plane.height !== height) return { kind: "failure", internal: "another size" };
  const channels = hasAlpha ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  const rowBytes = width * channels;
  for (let y = 0; y < height; y++) {
    data.set(plane.data.subarray(y * plane.stride, y * plane.stride + rowBytes), y * rowBytes);
  }
  libheif.heif_image_release(decoded.image);
  libheif.heif_image_handle_release(handle);
  libheif.heif_context_free(context);
  const heapBytes = libheif.HEAPU8.length;
  return { kind: "pixels", samples: { data, width, height, channels }, isPremultiplied, heapBytes };
}

parentPort!.on("message", (request: HeicRequest) => {
  const reply = decode(request);
  parentPort!.postMessage(reply, reply.kind === "pixels" ? [reply.samples.data.buffer as ArrayBuffer] : []);
});
