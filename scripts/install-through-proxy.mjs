/**
 * Runs `npm ci` behind a proxy on loopback that notes every host it is asked for. It fails if an install script, or
 * anything else, asks for another host than npm's registry, or if npm warns of something. It needs Node.js and npm, and
 * no package.
 */
import { execFileSync, spawn } from "node:child_process";
import { createServer } from "node:http";
import { connect } from "node:net";

const registry = new URL(execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim());
const asked = new Map();

const proxy = createServer((request, response) => {
  note(new URL(request.url, "http://proxy.invalid").host); // without TLS; nothing needs that
  response.writeHead(403).end();
}).on("connect", (request, client, head) => {
  const { hostname, port } = new URL(`https://${request.url}`);
  note(hostname);
  if (hostname !== registry.hostname) return client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  const upstream = connect({ host: hostname, port: Number(port) || 443 }, () => {
    client.write("HTTP/1.1 200 OK\r\n\r\n");
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
  });
  for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
});

function note(host) {
  asked.set(host, (asked.get(host) ?? 0) + 1);
}

await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${proxy.address().port}`;
const names = ["HTTPS_PROXY", "HTTP_PROXY", "GLOBAL_AGENT_HTTPS_PROXY", "GLOBAL_AGENT_HTTP_PROXY"];
names.push("npm_config_https_proxy", "npm_config_proxy", "https_proxy", "http_proxy");
const environment = { ...process.env, ...Object.fromEntries(names.map((name) => [name, url])) };
for (const name of ["NO_PROXY", "no_proxy", "npm_config_noproxy"]) delete environment[name];

const npm = spawn("npm", ["ci"], { env: environment, stdio: ["ignore", "inherit", "pipe"] });
let complaints = "";
npm.stderr.on("data", (text) => {
  process.stderr.write(text);
  complaints += text;
});
const code = await new Promise((resolve) => npm.on("close", resolve));
proxy.close();
proxy.closeAllConnections();

const strangers = [...asked.keys()].filter((host) => host !== registry.hostname);
// That a package is deprecated is news of the day, and says nothing about this tree.
const warnings = complaints.split("\n").filter((line) => /^npm warn (?!deprecated)/.test(line));
console.log(
  `npm ci opened ${asked.get(registry.hostname) ?? 0} connections to its registry and ${strangers.length} others`,
);
if (strangers.length > 0) console.error(`asked for: ${strangers.join(", ")}`);
process.exit(code || (strangers.length + warnings.length > 0 ? 1 : 0));
