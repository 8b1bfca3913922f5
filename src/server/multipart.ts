import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { EncoderError } from "../errors.ts";

export interface Form {
  files: Buffer[];
  fields: Map<string, string>;
}

const maxFieldBytes = 1024;
const maxFields = 16;
const maxHeaderBytes = 8 * 1024;

/**
 * Splits a multipart/form-data body that has arrived whole. A part is a file if it has a file name or an image's type.
 * @throws EncoderError INVALID_REQUEST, BATCH_TOO_LARGE
 */
export function parseForm(body: Buffer, { contentType, maxFiles }: { contentType: string; maxFiles: number }) {
  return new Promise<Form>((resolve, reject) => {
    const malformed = () => reject(new EncoderError("INVALID_REQUEST", "The multipart/form-data body is malformed."));
    const form: Form = { files: [], fields: new Map() };
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: { "content-type": contentType },
        isPartAFile: (_name, type, fileName) =>
          fileName !== undefined || type === "application/octet-stream" || type?.startsWith("image/") === true,
        fileHwm: body.length + 1, // a part is one piece of memory that is already here
        limits: {
          files: maxFiles,
          fields: maxFields,
          fieldSize: maxFieldBytes,
          headerSize: maxHeaderBytes,
        },
      });
    } catch {
      return malformed();
    }
    parser.on("file", (_name, stream) => {
      const index = form.files.push(Buffer.alloc(0)) - 1;
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        form.files[index] = Buffer.concat(chunks);
      });
      stream.on("error", malformed);
    });
    parser.on("field", (name, value, _nameTruncated, valueTruncated) => {
      if (valueTruncated) malformed();
      form.fields.set(name, value);
    });
    parser.on("filesLimit", () => {
      reject(new EncoderError("BATCH_TOO_LARGE", `At most ${maxFiles} files fit one request (MAX_BATCH_ITEMS).`));
    });
    parser.on("fieldsLimit", malformed);
    parser.on("error", malformed);
    parser.on("finish", () => resolve(form));
    parser.end(body);
  });
}
