import { execFile, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { startLoopbackHub } from "../hub/loopback-hub.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { runCli } from "../support/run-cli.ts";
import { golden } from "../support/tiny-model.ts";

const executable = resolve(import.meta.dirname, "../../bin/image-text-encoder");
const buildTo = (out: string) => [
  ...["build", "--image", join(golden, "tiny/clip"), "--text", join(golden, "tiny/text")],
  ...["--out", out, "--precision", "fp32"],
];

/** Runs in a mount namespace of its own, where the machine allows that to this user. */
const ownMounts = ["-U", "-r", "-m"];
const mayMount = spawnSync("unshare", [...ownMounts, "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;

describe("a build that finds no room", () => {
  // The model needs 4 MB. With almost enough room, the last file is the one that does not fit.
  it.runIf(mayMount).each([64, 512, 2048, 3700])("on a disk of %i kB says so and leaves nothing", async (kilobytes) => {
    const disk = await temporaryFolder();
    const script = `mount -t tmpfs -o size=${kilobytes}k tmpfs "$0" && "$@"; code=$?; ls -A "$0"; exit $code`;
    const command = ["sh", "-c", script, disk, process.execPath, executable, ...buildTo(join(disk, "model"))];
    await expect(promisify(execFile)("unshare", [...ownMounts, ...command])).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("could not be stored: the disk is full; free some space"),
    });
  });

  it("because of a limit on files says so and leaves nothing", async () => {
    const disk = await temporaryFolder();
    // Ulimit counts in blocks of 512 bytes.
    const { code, stderr } = await runCli(buildTo(join(disk, "model")), {}, "ulimit -f 1000");
    expect(code).toBe(1);
    expect(stderr).toContain("could not be stored: a file would be larger than this process or the file system allows");
    expect(readdirSync(disk)).toEqual([]);
  });
});

describe("a download that finds no room", () => {
  it("for its last bytes says so, and does not take the disk's fault for the network's", async () => {
    const hub = await startLoopbackHub({
      "tiny/clip": { directory: join(golden, "tiny/clip") },
      "tiny/text": { directory: join(golden, "tiny/text") },
    });
    onTestFinished(() => hub.close());
    const folder = await temporaryFolder();
    const args = ["pull", "--image", "tiny/clip", "--text", "tiny/text", "--out", join(folder, "tiny")];
    const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: folder };
    // The text tower's 2,071,256 bytes are 4,045.4 blocks: the last write is a short one.
    const { code, stderr } = await runCli(args, env, "ulimit -f 4045");
    expect(stderr).toContain("could not be stored: a file would be larger than this process or the file system allows");
    expect(code).toBe(1);
  });
});
