import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, inject, onTestFinished } from "vitest";
import { freePort, isListening } from "../../support/ports.ts";

const root = resolve(import.meta.dirname, "../../..");
const gallery = "web/public/gallery";
/** The READMEs ask for these. A few pictures stand for the gallery, so that a busy machine encodes them in seconds. */
const pictures =
  /^(bicycle|cactus|castle|elephant|guitar|helicopter|lighthouse|penguin|pizza|rocket|snowman|sunflower|zebra)-/;

export interface Followed {
  /** Copy of the example, with what the README installed. */
  folder: string;
  steps: Step[];
}

export interface Step {
  command: string;
  output: string;
}

interface Options {
  /** Environment variables that the README mentions. */
  settings?: Record<string, string>;
  /** The port of the README's server and the variable that names another one, so that a free one can be used. */
  server?: { port: number; variable: string };
}

/**
 * Runs what the `sh` blocks of an example's README say, line by line, in a copy of the example that has nothing
 * installed. The copy sees a gallery where the repository has one. A `shell` block is what the reader runs in a
 * terminal of its own: its last line is a server.
 * @param example a folder below examples/
 */
export async function followReadme(example: string, { settings = {}, server }: Options = {}): Promise<Followed> {
  const folder = await copyExample(example);
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const all = { ...settings };
  if (server) {
    const free = String(await freePort());
    const lines = linesOfBlocks(readme, "shell");
    const last = lines.pop()!.replace(String(server.port), free);
    for (const command of lines) await runLine(command, { folder });
    await startServer(last, { folder, port: Number(free) });
    all[server.variable] = free;
  }
  const steps: Step[] = [];
  for (const command of linesOfBlocks(readme, "sh")) {
    steps.push({ command, output: await runLine(command, { folder, settings: all }) });
  }
  return { folder, steps };
}

/** Gives the lines of all blocks of a language in a README. */
export function linesOfBlocks(readme: string, language: string): string[] {
  const blocks = readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return [...blocks].flatMap(([, block]) => block!.trim().split("\n"));
}

/** Runs a line in the background until the test ends, and waits until its port takes connections. */
async function startServer(command: string, { folder, port }: { folder: string; port: number }): Promise<void> {
  const child = spawn("bash", ["-c", command], { cwd: folder, detached: true, stdio: ["ignore", "ignore", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    process.kill(-child.pid!, "SIGKILL"); // the whole group: the shell and the server
    await once(child, "exit");
  });
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    await setTimeout(100);
  }
}

/** Gives what the compiler says of an example in TypeScript whose packages are installed, or an empty string. */
export async function typeErrors(folder: string): Promise<string> {
  const tsc = join(root, "node_modules/.bin/tsc");
  const strict = "--noEmit --strict --noUncheckedIndexedAccess --skipLibCheck --target es2023 --module nodenext";
  const types = `--typeRoots '${join(root, "node_modules/@types")}' --types node`;
  return runLine(`'${tsc}' ${strict} ${types} *.ts || true`, { folder });
}

/** Runs one line as a shell does, and gives its standard output; it throws with all output when the line fails. */
export async function runLine(
  command: string,
  { folder, settings = {} }: { folder: string; settings?: Record<string, string> },
): Promise<string> {
  // The rest of the environment may say where packages come from. Vitest's own NODE_ENV is none of the reader's.
  const { NODE_ENV: _, ...reader } = process.env;
  const env = { ...reader, SERVICE_URL: inject("serviceUrl"), ...settings };
  const child = spawn("bash", ["-c", command], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      written[name] += text;
    });
  }
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${written.stderr.slice(-4000)}${written.stdout}`);
  return written.stdout;
}

/** Copies an example without what is installed in it, and gives the copy's path. */
export async function copyExample(example: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "examples-"));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  const folder = join(copy, "examples", example);
  const left = ["node_modules", ".venv", "__pycache__", "pictures.db"];
  const filter = (path: string) => !left.includes(basename(path));
  await cp(join(root, "examples", example), folder, { recursive: true, filter });
  await mkdir(join(copy, gallery), { recursive: true });
  const chosen = (await readdir(join(root, gallery))).filter((name) => pictures.test(name));
  await Promise.all(chosen.map((name) => symlink(join(root, gallery, name), join(copy, gallery, name))));
  return folder;
}

/** Checks what an example of a database printed: a search by words for each language, and one by a picture. */
export function expectRightPictures({ steps }: Followed): void {
  expect(linesOf(steps, "a zebra")[0]).toMatch(/^\d\.\d+ .*\/zebra-/);
  expect(linesOf(steps, "ein Pinguin")[0]).toMatch(/^\d\.\d+ .*\/penguin-/);
  const [itself, another] = linesOf(steps, "elephant-flat");
  expect(itself).toMatch(/^1\.000 .*\/elephant-flat-/);
  expect(another).toMatch(/^0\.\d+ .*\/elephant-/);
}

function linesOf(steps: Step[], words: string): string[] {
  const { output } = steps.find(({ command }) => command.includes(words)) ?? { output: "" };
  const lines = output.trim().split("\n");
  expect(lines).toHaveLength(5);
  return lines;
}
