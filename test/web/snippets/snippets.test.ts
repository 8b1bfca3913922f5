import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Call } from "../../../web/src/snippets/call.ts";
import { asCurl } from "../../../web/src/snippets/curl.ts";
import { asJavaScript } from "../../../web/src/snippets/javascript.ts";
import { asPython } from "../../../web/src/snippets/python.ts";

const hostileTexts = [
  "it's",
  'say "hi"',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell must not read it either
  "$(touch /tmp/pwned) `id` $HOME ${HOME}",
  "two\nlines\r\n\tand a tab",
  "back\\slash \\n \\u0041",
  "emoji 🎈 and \u2028 \u0000 \u007f",
  "%s {0} {x} #{x} !!",
  "'; drop table; --",
];

let server: Server;
let folder: string;
let received: { headers: IncomingMessage["headers"]; body: string }[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "snippets-"));
  received = [];
  server = createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
    reply.setHeader("content-type", "application/json").end('{"success":true}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const run = promisify(execFile);
const urlOf = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const hasPython = (() => {
  try {
    execFileSync("python3", ["--version"]);
    return true;
  } catch {
    return false;
  }
})();

const runners = {
  curl: (call: Call) => run("sh", ["-c", asCurl(call)], { cwd: folder, env: { ...process.env, API_KEY: "k" } }),
  javascript: (call: Call) =>
    run(process.execPath, ["--input-type=module", "-e", asJavaScript(call)], {
      cwd: folder,
      env: { ...process.env, API_KEY: "k" },
    }),
};

describe.each(Object.entries(runners))("a copied request in %s", (_, runIt) => {
  it.each(hostileTexts)("sends exactly: %j", async (text) => {
    received.length = 0;
    await runIt({ url: urlOf("/encode_text"), body: { json: { text } }, needsKey: false });
    expect(received.map(({ body }) => JSON.parse(body))).toEqual([{ text }]);
    expect(received[0]!.headers.authorization).toBeUndefined();
  });

  it("takes the key from the environment", async () => {
    received.length = 0;
    await runIt({ url: urlOf("/encode_text"), body: { json: { text: "a" } }, needsKey: true });
    expect(received[0]!.headers.authorization).toBe("Bearer k");
  });

  it("sends a file as it is, whatever its name", async () => {
    received.length = 0;
    const fileName = `it's "a" $(b) file.jpg`;
    writeFileSync(join(folder, fileName), "bytes");
    await runIt({ url: urlOf("/encode_image"), body: { fileName, type: "image/jpeg" }, needsKey: false });
    expect(received).toMatchObject([{ body: "bytes", headers: { "content-type": "image/jpeg" } }]);
  });
});

describe("a copied request in Python", () => {
  it.each(hostileTexts)("holds exactly, as Python itself reads it: %j", (text) => {
    const code = asPython({ url: "http://service/encode_text", body: { json: { text } }, needsKey: true });
    expect(code).toContain(`f"Bearer {os.environ['API_KEY']}"`);
    if (!hasPython) return expect(code).toContain('json={"text": "'); // read by Python where there is one
    const literal = /json=(.*),\n\)/s.exec(code)![1]!;
    const print = `import json, sys; sys.stdout.write(json.dumps(${literal}))`;
    writeFileSync(join(folder, "literal.py"), print);
    const read = execFileSync("python3", [join(folder, "literal.py")], { encoding: "utf8" });
    expect(JSON.parse(read)).toEqual({ text });
  });

  it("says true, false and nothing as Python does", () => {
    const code = asPython({ url: "u", body: { json: { a: true, b: false, c: null, d: [1.5, "x"] } }, needsKey: false });
    expect(code).toContain('json={"a": True, "b": False, "c": None, "d": [1.5, "x"]}');
  });
});
