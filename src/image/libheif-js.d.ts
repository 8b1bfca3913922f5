/** Declares the part of libheif's API (heif.h) that heic-thread.ts uses; the package declares none for its bundle. */
declare module "libheif-js/wasm-bundle.js" {
  /** A pointer is a place in the WebAssembly memory, to be freed by hand. */
  type Pointer = object;
  /** Values of libheif's enumerations; equal ones are the same object. */
  type Constant = object;

  interface Failure {
    code: Constant;
    subcode: Constant;
    message: string;
  }
  interface Channel {
    id: Constant;
    width: number;
    height: number;
    /** Bytes of a row with its padding. */
    stride: number;
    /** A view is into the WebAssembly memory. */
    data: Uint8Array;
  }
  interface Decoded {
    image: Pointer;
    channels: Channel[];
  }

  const libheif: {
    /** The WebAssembly memory is here. */
    HEAPU8: Uint8Array;
    heif_error_code: { heif_error_Ok: Constant };
    heif_colorspace: { heif_colorspace_RGB: Constant };
    heif_chroma: { heif_chroma_interleaved_RGB: Constant; heif_chroma_interleaved_RGBA: Constant };
    heif_context_alloc(): Pointer;
    heif_context_free(context: Pointer): void;
    heif_context_read_from_memory(context: Pointer, file: Uint8Array): Failure;
    heif_js_context_get_primary_image_handle(context: Pointer): Pointer | Failure;
    heif_image_handle_release(handle: Pointer): void;
    heif_image_release(image: Pointer): void;
    heif_image_handle_get_width(handle: Pointer): number;
    heif_image_handle_get_height(handle: Pointer): number;
    heif_image_handle_has_alpha_channel(handle: Pointer): number;
    heif_image_handle_is_premultiplied_alpha(handle: Pointer): number;
    heif_js_decode_image2(handle: Pointer, colorspace: Constant, chroma: Constant): Decoded | Failure;
  };
  export default libheif;
}
