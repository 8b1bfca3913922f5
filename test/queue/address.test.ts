import { describe, expect, it } from "vitest";
import { parseQueueAddress } from "../../src/queue/address.ts";

describe("the address of a queue", () => {
  it("of Redis is taken apart, with TLS for rediss", () => {
    const { connection, shown } = parseQueueAddress("rediss://me:s%40crt@queue.example.com:7000/3");
    const host = "queue.example.com";
    expect(connection).toEqual({ host, port: 7000, db: 3, username: "me", password: "s@crt", tls: {} });
    expect(shown).toBe("rediss://me@queue.example.com:7000/3");
  });

  it("of PostgreSQL goes to the driver with its password, and to messages without", () => {
    const { connection, shown } = parseQueueAddress("postgres://me:a%2Fb@db/queue?sslmode=require&password=x");
    expect(connection).toEqual({ connectionString: "postgres://me:a%2Fb@db/queue?sslmode=require&password=x" });
    expect(shown).toBe("postgres://me@db/queue");
  });

  it("takes its password from beside it", () => {
    expect(parseQueueAddress("redis://db", "a/b c").connection).toMatchObject({ password: "a/b c" });
    const { connection } = parseQueueAddress("postgresql://me:old@db/queue", "a/b c");
    expect(connection).toEqual({ connectionString: "postgresql://me:a%2Fb%20c@db/queue" });
  });

  it.each([
    ["redis://localhost", true],
    ["redis://127.0.0.9:1", true],
    ["redis://[::1]", true],
    ["redis://10.0.0.1", false],
    ["redis://127.example.com", false],
  ])("knows whether %s is this machine", (url, isLoopback) => {
    expect(parseQueueAddress(url).isLoopback).toBe(isLoopback);
  });

  it.each(["nothing", "http://secret@x", "redis://x/secret", "redis://:secret@x/y"])(
    "%s is refused unrepeated",
    (url) => {
      expect(() => parseQueueAddress(url)).toThrow(/^--queue or QUEUE: (?!.*secret)/);
    },
  );
});
