import { isIP } from "node:net";
import { EncoderError } from "../errors.ts";

/** Where a queue lives, taken apart so that its password goes to the driver alone. */
export interface QueueAddress {
  kind: "redis" | "postgres";
  host: string;
  port: number;
  /** Without the password, for messages: `redis://queue.example.com:6379/0` */
  shown: string;
  isLoopback: boolean;
  /** What the driver needs. */
  connection: RedisConnection | PostgresConnection;
}

export interface RedisConnection {
  host: string;
  port: number;
  username?: string;
  password?: string;
  db: number;
  tls?: Record<string, never>;
}

export interface PostgresConnection {
  /** With the password: the driver takes an URL without one as a wish for none. */
  connectionString: string;
}

const kinds: Record<string, "redis" | "postgres"> = {
  "redis:": "redis",
  "rediss:": "redis",
  "postgres:": "postgres",
  "postgresql:": "postgres",
};

/**
 * @param password takes the place of the URL's where it is not empty
 * @throws EncoderError CONFIG_INVALID, which never repeats the URL
 */
export function parseQueueAddress(text: string, password = ""): QueueAddress {
  const fail = (problem: string) => new EncoderError("CONFIG_INVALID", `--queue or QUEUE: ${problem}.`);
  if (!URL.canParse(text)) throw fail("expected a URL such as redis://host:6379/0 or postgres://user@host/database");
  const url = new URL(text);
  const kind = kinds[url.protocol];
  if (!kind) throw fail("expected redis://, rediss://, postgres:// or postgresql://");
  const unescaped = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw fail("in its user and password, % must be written as %25");
    }
  };
  const secret = password === "" ? unescaped(url.password) : password;
  url.password = "";
  const host = url.hostname.replace(/^\[|\]$/g, "") || "127.0.0.1";
  const port = Number(url.port || (kind === "redis" ? 6379 : 5432));
  const address = { kind, host, port, shown: shownUrl(url), isLoopback: isLoopback(host) };
  if (kind === "postgres") {
    url.password = encodeURIComponent(secret);
    return { ...address, connection: { connectionString: url.href } };
  }
  const database = url.pathname.replace(/^\//, "");
  if (!/^\d{0,5}$/.test(database)) throw fail("the path of a Redis URL is the number of a database, such as /0");
  const own = secret === "" ? {} : { password: secret };
  const user = url.username === "" ? {} : { username: unescaped(url.username) };
  const tls = url.protocol === "rediss:" ? { tls: {} } : {};
  return { ...address, connection: { host, port, db: Number(database), ...user, ...own, ...tls } };
}

/** A parameter of the URL may hold a password, too. */
function shownUrl(url: URL): string {
  const shown = new URL(url);
  shown.search = "";
  shown.hash = "";
  return shown.href;
}

function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  return isIP(host) === 4 ? host.startsWith("127.") : host === "::1";
}
