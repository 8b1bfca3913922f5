import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Call, FileInBase64 } from "../../../web/src/snippets/call.ts";
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
let received: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "snippets-"));
  received = [];
  server = createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { method = "", url = "", headers } = request;
    received.push({ method, url, headers, body: Buffer.concat(parts).toString() });
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

const options = () => ({ cwd: folder, env: { ...process.env, API_KEY: "k" } });
const runners = {
  curl: (...calls: Call[]) => run("sh", ["-c", asCurl(calls)], options()),
  javascript: (...calls: Call[]) =>
    run(process.execPath, ["--input-type=module", "-e", asJavaScript(calls)], options()),
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

  it("holds files as base64 within JSON, however large they are, and texts that look like their places", async () => {
    received.length = 0;
    const fileName = `it's "a" $(b) file.jpg`;
    const bytes = randomBytes(400_000); // more than a shell takes as one argument
    writeFileSync(join(folder, fileName), bytes);
    const file = new FileInBase64(fileName);
    const query = [{ b64: file, weight: 1 }, { text: "file", weight: -0.5 }, { text: "file_'" }, { b64: file }];
    await runIt({ url: urlOf("/search"), body: { json: { query, limit: 60 } }, needsKey: false });
    const sent = query.map((term) => ("b64" in term ? { ...term, b64: bytes.toString("base64") } : term));
    expect(received.map(({ body }) => JSON.parse(body))).toEqual([{ query: sent, limit: 60 }]);
    expect(received[0]!.headers["content-type"]).toBe("application/json");
  });

  it("follows others in one program", async () => {
    received.length = 0;
    writeFileSync(join(folder, "a.jpg"), "bytes");
    const text: Call = { url: urlOf("/encode_text"), body: { json: { text: "a" } }, needsKey: true };
    const picture: Call = { ...text, url: urlOf("/encode_image"), body: { fileName: "a.jpg", type: "image/jpeg" } };
    const sample: Call = { url: urlOf("/index/sample?limit=2000"), needsKey: true };
    await runIt(text, picture, picture, sample);
    expect(received.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["POST", "/encode_text", '{"text":"a"}'],
      ["POST", "/encode_image", "bytes"],
      ["POST", "/encode_image", "bytes"],
      ["GET", "/index/sample?limit=2000", ""],
    ]);
    for (const { headers } of received) expect(headers.authorization).toBe("Bearer k");
  });
});

describe("a copied request in Python", () => {
  it.each(hostileTexts)("holds exactly, as Python itself reads it: %j", (text) => {
    const code = asPython([{ url: "http://service/encode_text", body: { json: { text } }, needsKey: true }]);
    expect(code).toContain(`f"Bearer {os.environ['API_KEY']}"`);
    if (!hasPython) return expect(code).toContain('json={"text": "'); // read by Python where there is one
    const literal = /json=(.*),\n\)/s.exec(code)![1]!;
    const print = `import json, sys; sys.stdout.write(json.dumps(${literal}))`;
    writeFileSync(join(folder, "literal.py"), print);
    const read = execFileSync("python3", [join(folder, "literal.py")], { encoding: "utf8" });
    expect(JSON.parse(read)).toEqual({ text });
  });

  it("says true, false and nothing as Python does", () => {
    const json = { a: true, b: false, c: null, d: [1.5, "x"] };
    const code = asPython([{ url: "u", body: { json }, needsKey: false }]);
    expect(code).toContain('json={"a": True, "b": False, "c": None, "d": [1.5, "x"]}');
  });

  it("reads files, and follows others in one program that Python can read", () => {
    const code = asPython([
      { url: "u", body: { json: { image_b64: new FileInBase64("it's \\.jpg") } }, needsKey: false },
      { url: "u", body: { fileName: "a.jpg", type: "image/jpeg" }, needsKey: true },
      { url: "u", needsKey: true },
    ]);
    expect(code).toMatch(/^import base64\nimport os\nimport requests\n\n/);
    expect(code).toContain('json={"image_b64": base64.b64encode(open("it\'s \\\\.jpg", "rb").read()).decode()},');
    expect(code).toContain("requests.get(");
    if (!hasPython) return;
    writeFileSync(join(folder, "program.py"), code);
    execFileSync("python3", ["-m", "py_compile", join(folder, "program.py")]);
  });
});
