import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allCommands } from "../../src/cli/commands.ts";
import { commandHelp } from "../../src/cli/help.ts";
import { environmentName, flagName } from "../../src/config/setting.ts";
import { packageRoot } from "../../src/host/package.ts";
import { runCli } from "../support/run-cli.ts";

const commands = await allCommands();
const { version, scripts } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));

describe("image-text-encoder", () => {
  it("prints its version and its commands", async () => {
    expect(await runCli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    const { code, stdout } = await runCli(["--help"]);
    expect(code).toBe(0);
    for (const name of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  it.skipIf(process.platform !== "linux")(
    "ends with a sentence where its output has no room, and with none where nobody reads on",
    () => {
      const sh = (pipe: string) => {
        const command = `"${process.execPath}" bin/image-text-encoder --help ${pipe}`;
        const { status, stderr } = spawnSync("bash", ["-o", "pipefail", "-c", command], {
          cwd: packageRoot,
          encoding: "utf8",
        });
        return [status, stderr];
      };
      expect(sh("> /dev/full")).toEqual([1, "image-text-encoder: The output could not be written (ENOSPC).\n"]);
      expect(sh("| true")).toEqual([141, ""]);
    },
  );

  it("runs with what makes glibc return memory and V8 collect without helpers, also by npm start", () => {
    const malloc = "process.env.MALLOC_ARENA_MAX,process.env.MALLOC_MMAP_THRESHOLD_";
    const show = `data:text/javascript,console.log(${malloc},process.execArgv[0])`;
    const env = { ...process.env, NODE_OPTIONS: `--import=${show}` };
    const executable = scripts.start.replace(/ serve$/, "");
    const printed = execFileSync("sh", ["-c", `${executable} --version`], { cwd: packageRoot, env, encoding: "utf8" });
    expect(printed).toBe(`1 8192 --single-threaded-gc\n${version}\n`);
  });

  it("prints a command's flags with their variables and defaults", async () => {
    const { code, stdout } = await runCli(["serve", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--port  (PORT, default 5555)");
    expect(stdout).toContain("--api-keys  (API_KEYS, default none)");
    expect(stdout).toContain("--image-urls  (IMAGE_URLS, default on)");
  });

  it.each<[string, string[], Record<string, string>, string]>([
    ["an unknown command", ["srve"], {}, 'There is no command "srve"'],
    ["a command by the name of an object's method", ["toString"], {}, 'There is no command "toString"'],
    ["an unknown flag", ["serve", "--prot", "1"], {}, "Unknown option '--prot'"],
    ["a flag without its value", ["serve", "--port"], {}, "--port"],
    ["an operand too many", ["serve", "now"], {}, "Unexpected argument 'now'"],
    ["a wrong flag", ["serve", "--port", "http"], {}, '--port: expected an integer from 0 to 65535, received "http"'],
    [
      "a wrong variable",
      ["serve"],
      { MAX_BATCH_ITEMS: "-1" },
      'MAX_BATCH_ITEMS: expected an integer from 1 to 100000, received "-1"',
    ],
    [
      "a wrong origin",
      ["serve"],
      { CORS_ORIGINS: "app.example.com" },
      "CORS_ORIGINS: expected a comma-separated list of origins",
    ],
    ["a wrong proxy", ["serve"], { TRUST_PROXY: "10.0.0.0/40" }, "TRUST_PROXY: expected"],
    ["a proxy that is none", ["pull", "a/b"], { HTTP_PROXY: "http://" }, "expected an http or https URL, or host:port"],
    ["a Hub with a user", ["pull", "a/b"], { HF_ENDPOINT: "http://me:secret@host" }, "HF_ENDPOINT: expected"],
    [
      "a token of two lines",
      ["pull", "a/b"],
      { HF_TOKEN: "hf_x\ny" },
      "HF_TOKEN: expected a Hub token, received a value",
    ],
    [
      "a queue that cannot be read",
      ["queue", "status"],
      { QUEUE: "redis://u:secret%zz@h" },
      "% must be written as %25",
    ],
    ["no queue", ["queue", "status"], {}, "received nothing"],
    ["texts in a folder", ["encode", "test", "--text", "--out", "/nowhere"], {}, "texts come from lists and tars"],
    ["a number that is too low", ["search", "dog", "--min", "-1.5"], {}, "--min: expected"],
    ["a negative number", ["search", "dog", "--min", "-0.5", "--index", "/nowhere"], {}, "There is no index"],
    ["a missing setting", ["build", "--image", "x"], {}, "--out or OUT: expected"],
    ["a tower too few", ["build", "--image", "x", "--out", "y"], {}, "Expected: build --checkpoint DIR --out DIR, or"],
  ])("refuses %s with one line and exit code 2", async (_what, args, env, sentence) => {
    const { code, stdout, stderr } = await runCli(args, env);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("ends with 1 and one line when a command fails, and tells more when debugging", async () => {
    const args = ["build", "--image", "/nowhere", "--text", "/nowhere", "--out", "/nowhere/out"];
    const { code, stderr } = await runCli(args);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect((await runCli(args, { LOG_LEVEL: "debug" })).stderr).toContain("    at ");
  });
});

describe("help", () => {
  it.each(Object.entries(commands))("of %s names every setting as flag and variable", (name, command) => {
    const help = commandHelp(name, command);
    for (const setting of Object.keys(command.settings)) {
      expect(help).toContain(`--${flagName(setting)}  (${environmentName(setting)}, `);
    }
  });
});
