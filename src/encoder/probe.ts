/** What the health probe encodes, past cache and in-flight sharing: a word, and a picture of one pixel (PNG). */
export const probeText = "health";
export const probeImage: Uint8Array = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
