import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { runLine } from "./follow-readme.ts";

const program = `
import pgserver, sys
server = pgserver.get_server(sys.argv[1])
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
`;

/** Starts a PostgreSQL server that has pgvector, which a package of PyPI brings, and gives its connection string. */
export async function startPostgres(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postgres-"));
  await runLine("python3 -m venv venv && venv/bin/pip install --quiet pgserver==0.1.4", { folder });
  const child = spawn(join(folder, "venv/bin/python"), ["-c", program, join(folder, "data")], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(async () => {
    child.stdin.end(); // The program stops its server when its input ends.
    if (child.exitCode === null) await once(child, "exit");
    await rm(folder, { recursive: true, force: true });
  });
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  return String(line).trim();
}
