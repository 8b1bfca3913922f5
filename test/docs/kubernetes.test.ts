import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const manifests = readdirSync(join(root, "deploy/kubernetes"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => read(join("deploy/kubernetes", file)));
const all = (pattern: RegExp) => manifests.flatMap((text) => [...text.matchAll(pattern)].map(([, found]) => found!));

/** scripts/validate-kubernetes.sh checks the manifests against Kubernetes' schemas; this is what no schema knows. */
describe("the Kubernetes manifests", () => {
  it("run images that the Dockerfile has a target for", () => {
    const images = all(/image: registry\.example\.com\/([\w-]+):/g);
    expect(new Set(images)).toEqual(new Set(["image-text-encoder", "image-text-encoder-worker"]));
    const targets = [...read("Dockerfile").matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name);
    expect(targets).toContain("worker");
  });

  it("set variables that are settings, but for Redis' own", () => {
    const variables = all(/name: ([A-Z][A-Z_]+)\b/g).filter((name) => name !== "PASSWORD");
    expect(variables).toContain("QUEUE_PASSWORD");
    const settings = read("docs/configuration.md");
    for (const variable of variables) expect(settings).toContain(`\`${variable}\``);
  });

  it("scale a deployment that exists, by the lists of the queue that its workers take from", () => {
    const deployments = manifests.flatMap(
      (text) => /kind: Deployment\nmetadata:\n {2}name: (\S+)/.exec(text)?.[1] ?? [],
    );
    const scaled = all(/scaleTargetRef: \{.*?name: ([\w-]+) \}/g);
    expect(scaled.length).toBeGreaterThanOrEqual(3);
    for (const name of scaled) expect(deployments).toContain(name);
    const [queue] = all(/name: QUEUE_NAME, value: ([\w-]+)/g);
    expect(all(/listName: "bull:([\w-]+):\w+"/g)).toEqual([queue, queue]);
  });
});
