import { isUtf8 } from "node:buffer";
import { EncoderError } from "../errors.ts";

export interface Form {
  /** Holds views of the body, not copies. */
  files: Buffer[];
  fields: Map<string, string>;
}

export interface FormLimits {
  /** The header, which names the boundary. */
  contentType: string;
  maxFiles: number;
  /** Longest part that is no file; our own fields are single words. */
  maxFieldBytes?: number;
}

const maxFields = 16;
const maxHeaderBytes = 4 * 1024;

const lineBreak = "\r\n";
const emptyLine = "\r\n\r\n";
/** A boundary has 70 characters at most (RFC 2046). */
const boundaryParameter = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70})(?:[\s;]|$))/i;

/**
 * Splits a multipart/form-data body (RFC 7578) that has arrived whole. A part is a file if it has a file name or an
 * image's type. Every part counts against a limit, and a malformed one ends the work: a body may be millions of tiny
 * parts.
 * @throws EncoderError INVALID_REQUEST, BATCH_TOO_LARGE
 */
export function parseForm(body: Buffer, { contentType, maxFiles, maxFieldBytes = 1024 }: FormLimits): Form {
  const [, quoted, plain] = boundaryParameter.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed();
  const form: Form = { files: [], fields: new Map() };
  let fields = 0;
  for (const { headers, content } of partsOf(body, `${lineBreak}--${boundary}`)) {
    const disposition = headers.get("content-disposition") ?? "";
    if (!/^form-data\s*(;|$)/i.test(disposition)) throw malformed();
    if (isFile(disposition, headers.get("content-type"))) {
      if (form.files.push(content) > maxFiles) {
        throw new EncoderError("BATCH_TOO_LARGE", `At most ${maxFiles} files fit one request (MAX_BATCH_ITEMS).`);
      }
    } else {
      if (++fields > maxFields || !isUtf8(content)) throw malformed();
      if (content.length > maxFieldBytes) {
        throw new EncoderError("INVALID_REQUEST", `A field of the form is larger than ${maxFieldBytes} bytes.`);
      }
      form.fields.set(/;\s*name="?([^";]*)/i.exec(disposition)?.[1] ?? "", content.toString());
    }
  }
  return form;
}

function* partsOf(body: Buffer, delimiter: string): Generator<{ headers: Map<string, string>; content: Buffer }> {
  // The line break before the first delimiter may be missing, for want of anything that it could end.
  const isFirst = `${lineBreak}${body.toString("latin1", 0, delimiter.length - lineBreak.length)}` === delimiter;
  let at = isFirst ? -lineBreak.length : body.indexOf(delimiter, 0, "latin1");
  for (;;) {
    if (at === -1) throw malformed();
    const lineRest = at + delimiter.length;
    if (body.toString("latin1", lineRest, lineRest + 2) === "--") return; // what follows the last delimiter counts for nothing
    const headersStart = body.indexOf(lineBreak, lineRest);
    const headersEnd = body.indexOf(emptyLine, headersStart);
    if (headersStart === -1 || headersEnd === -1 || headersEnd - lineRest > maxHeaderBytes) throw malformed();
    if (body.toString("latin1", lineRest, headersStart).trim() !== "") throw malformed();
    const contentStart = headersEnd + emptyLine.length;
    at = body.indexOf(delimiter, contentStart, "latin1");
    if (at === -1) throw malformed();
    yield {
      headers: headersOf(body.toString("utf8", headersStart, headersEnd)),
      content: body.subarray(contentStart, at),
    };
  }
}

function headersOf(text: string): Map<string, string> {
  const lines = text.split(lineBreak).map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, Math.max(colon, 0)).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return new Map(lines);
}

function isFile(disposition: string, type = ""): boolean {
  return /;\s*filename\*?=/i.test(disposition) || /^(image\/|application\/octet-stream\b)/i.test(type);
}

function malformed(): EncoderError {
  return new EncoderError("INVALID_REQUEST", "The multipart/form-data body is malformed.");
}
