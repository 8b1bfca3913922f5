import type { EncoderError } from "../../errors.ts";

/** Faults of an image or its URL are 400, as clients of these protocols expect: to them a 403 means their key. */
export function faultStatus({ code, status }: EncoderError): number {
  return /^(URL|IMAGE)_/.test(code) && status < 500 ? 400 : status;
}
