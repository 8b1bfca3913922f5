import { z } from "zod";
import { jsonOf } from "./json.ts";

/** Holds the headers that go to an origin (`https://images.example.com`). */
export type FetchHeaders = Record<string, Record<string, string>>;

/** Headers that belong to the request itself; and cookies, which would share a person's session. */
const refused =
  /^(host|cookie|content-length|range|connection|transfer-encoding|accept-encoding|expect|te|upgrade|trailer|keep-alive|proxy-.*)$/;

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/)
  .toLowerCase()
  .refine((name) => !refused.test(name));
const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/);
/** A host alone stands for its https. */
const origin = z
  .string()
  .transform((host) => (host.includes("://") ? host : `https://${host}`))
  .refine((host) => /^https?:\/\/[^/@?#*]+$/.test(host) && URL.canParse(host))
  .transform((host) => new URL(host).origin);

/** Reads JSON, or the object itself where a program gives it: host -> header -> value. */
export function fetchHeadersSchema(): { schema: z.ZodType<FetchHeaders>; expects: string } {
  const object = z.union([z.record(z.string(), z.unknown()), z.string().transform(jsonOf)]);
  const schema = object.pipe(
    z.record(z.string(), z.record(headerName, headerValue)).transform((hosts, context) => {
      const entries = Object.entries(hosts).map(([host, headers]) => {
        const parsed = origin.safeParse(host);
        if (!parsed.success) context.addIssue({ code: "custom", message: "not a host" });
        return [parsed.data ?? host, headers];
      });
      return Object.fromEntries(entries) as FetchHeaders; // what the schemas above gave
    }),
  );
  return {
    schema: schema as unknown as z.ZodType<FetchHeaders>, // the pipe's output
    expects: "a JSON object of hosts with an object of headers each, without Host, Cookie, Content-Length or Range",
  };
}
