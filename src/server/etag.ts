import type { FastifyRequest } from "fastify";

/** Tells whether the client has what has this etag (RFC 9110, 13.1.2): it may send several, weak ones, or `*`. */
export function hasEtag({ headers }: FastifyRequest, etag: string): boolean {
  const known = headers["if-none-match"]?.split(",").map((one) => one.trim().replace(/^W\//, "")) ?? [];
  return known.includes(etag) || known.includes("*");
}
