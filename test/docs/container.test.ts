import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const dockerfile = read("Dockerfile");

/** Gives each stage with the stage or image that it is made from, and its lines. */
const stages = new Map(
  dockerfile
    .replace(/^#.*\n/gm, "")
    .split(/^(?=FROM )/m)
    .slice(1)
    .map((text) => {
      const [, from, name = "the last one"] = /^FROM (\S+)(?: AS (\S+))?/.exec(text)!;
      return [name, { from, text }] as const;
    }),
);

/** scripts/container-check.sh builds the image; this is what can be told without building. */
describe("the Dockerfile", () => {
  it("has the target of every compose file", () => {
    const files = ["compose.yaml", "examples/compose.search.yaml", "deploy/compose.queue.yaml"];
    const targets = files.flatMap((file) => [...read(file).matchAll(/^\s+target: (\S+)$/gm)].map(([, name]) => name!));
    expect(targets).toEqual(expect.arrayContaining(["search", "worker"]));
    for (const target of targets) expect(stages.has(target), target).toBe(true);
  });

  it("makes the folder of packed weights for its user, which each file of services mounts on a disk", () => {
    expect(stages.get("runtime")!.text).toContain("--chown=10001:10001 /packed /models/.packed\n");
    for (const file of ["compose.yaml", "examples/compose.search.yaml", "deploy/compose.queue.yaml"]) {
      expect(read(file), file).toMatch(/^ +- packed:\/models\/\.packed$/m);
      expect(read(file), file).toMatch(/^volumes:\n(?: {2}.*\n)* {2}packed:$/m);
    }
    for (const file of ["server/deployment.yaml", "workers/deployment.yaml"]) {
      const text = read(`deploy/kubernetes/${file}`);
      expect(text, file).toContain("- { name: packed, mountPath: /models/.packed }\n");
      expect(text, file).toMatch(/- name: packed\n +emptyDir: \{ sizeLimit/);
    }
  });

  it("copies nothing that .dockerignore keeps out of the build", () => {
    const [everything, ...kept] = read(".dockerignore").trim().split("\n");
    expect(everything).toBe("*");
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, args]) =>
      args!.split(" ").slice(0, -1),
    );
    expect(copied).toContain("package.json");
    for (const path of copied) expect(kept, path).toContain(`!${path}`);
  });

  it("gives the search image what the service has and the optional packages, and the plain image none of them", () => {
    expect(stages.get("search")).toMatchObject({
      from: "runtime",
      text: expect.stringContaining("--from=build-search"),
    });
    expect(stages.get("build-search")!.from).toBe("build");
    for (const plain of ["build", "runtime", "model", "the last one"]) {
      expect(stages.get(plain)!.text).not.toMatch(/build-search|npm install/);
    }
    expect(stages.get("build")!.text).toContain("npm prune --omit=dev");
  });

  it("installs each optional peer in the version that package.json names", () => {
    const script = /RUN node -e '([^']+)'/.exec(stages.get("build-search")!.text)![1]!.replaceAll("\\\n", "\n");
    const folder = mkdtempSync(join(tmpdir(), "dockerfile-"));
    writeFileSync(join(folder, "package.json"), read("package.json"));
    execFileSync(process.execPath, ["-e", script], { cwd: folder });
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const before = JSON.parse(read("package.json"));
    expect(dependencies).toEqual({ ...before.dependencies, ...before.peerDependencies });
    expect(peerDependencies).toBeUndefined();
  });
});

/** No engine of containers is needed to see that its parts fit each other. */
describe("deploy/compose.queue.yaml", () => {
  const text = read("deploy/compose.queue.yaml");

  it("sets variables that are settings, and folders that are mounted", () => {
    const environment = /^x-encoder:[\s\S]*?environment:\n((?: {4}.*\n)+)/m.exec(text)![1]!;
    const variables = Object.fromEntries([...environment.matchAll(/^ {4}(\w+): (.*)$/gm)].map(([, k, v]) => [k!, v!]));
    expect(Object.keys(variables)).toEqual(["QUEUE", "QUEUE_PASSWORD", "OUT", "ROOT"]);
    for (const name of Object.keys(variables)) expect(read("docs/configuration.md")).toContain(`\`${name}\``);
    for (const path of [variables.OUT, variables.ROOT]) expect(text).toMatch(new RegExp(`- \\S.*:${path}(:ro)?$`, "m"));
    expect(stages.get("worker")!.text).toContain(`/index ${variables.OUT}\n`); // its user may write to a new volume
    const { hostname } = new URL(variables.QUEUE!);
    expect(text).toMatch(new RegExp(`^  ${hostname}:\n    image: redis`, "m"));
  });

  it("has two workers, a run that starts on demand, and a Redis that keeps its jobs and asks for the password", () => {
    expect(text).toMatch(/^ {2}worker:\n {4}<<: \*encoder\n {4}command: \["work"\]\n {4}deploy:\n {6}replicas: 2$/m);
    expect(text).toMatch(
      /^ {2}encode:\n {4}<<: \*encoder\n {4}profiles: \[run\]\n {4}command: \["encode", "\/pictures"\]$/m,
    );
    expect(text).toMatch(/redis-server --appendonly yes --maxmemory-policy noeviction --requirepass/);
    expect(text.match(/\$\{QUEUE_PASSWORD:\?/g)).toHaveLength(2);
  });
});
