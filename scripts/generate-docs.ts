/**
 * `npm run docs` writes the files of docs/ that are generated from code. A test compares them with what stands there.
 */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { throughputFigure } from "../bench/figure.ts";
import { allCommands } from "../src/cli/commands.ts";
import { defaultText } from "../src/cli/help.ts";
import { serviceSettings } from "../src/config/service.ts";
import { environmentName, flagName, type SettingTable, settingsWith } from "../src/config/setting.ts";
import { errorCodes } from "../src/errors.ts";
import { createMetrics } from "../src/metrics.ts";
import { createApp } from "../src/server/app.ts";
import { fakeEncoder } from "../test/support/fake-encoder.ts";

export const docsFolder = resolve(import.meta.dirname, "../docs");

/** Gives the text of each generated file by its path in docs/. */
export async function generatedDocs(): Promise<Record<string, string>> {
  return {
    "configuration.md": await configurationPage(),
    "errors.md": errorsPage(),
    "figures/throughput.svg": throughputFigure(),
    "openapi.json": await apiDocument(),
  };
}

/** Sets the same words in lines of at most 120 columns. */
function wrapped(text: string): string {
  return text.replace(/(.{1,120})(?: |$)/g, "$1\n").trimEnd();
}

async function configurationPage(): Promise<string> {
  const { serve, ...others } = await allCommands();
  const inherited = new Set(Object.keys(serve!.settings));
  const sections = Object.entries(others).map(([name, { summary, settings }]) => {
    const own = Object.fromEntries(Object.entries(settings).filter(([setting]) => !inherited.has(setting)));
    const shared = Object.keys(settings).filter((setting) => inherited.has(setting));
    const also =
      shared.length > 0
        ? `\n\n${wrapped(`As above: ${shared.map((it) => `\`${environmentName(it)}\``).join(", ")}.`)}`
        : "";
    return `## ${name}\n\n${summary}.${also}\n\n${Object.keys(own).length > 0 ? settingTable(own) : ""}`.trimEnd();
  });
  return `# Configuration

Every setting is a flag of the command and an environment variable. The flag wins, and an empty variable counts as not
set. A wrong value ends the command with exit code 2 and one line that says what was expected. Sizes are in bytes and
times in milliseconds where the name says so. \`npm run docs\` generates this page from \`src/config/\`.

## serve

${settingTable(serve!.settings)}

${sections.join("\n\n")}

## Signals and exit codes

SIGTERM, SIGINT and SIGHUP stop a command; SIGHUP reads nothing anew. \`serve\` then takes no more connections, answers
what is in flight within \`DRAIN_TIMEOUT_MS\`, and exits with 0. A second signal ends it at once.

| exit code | meaning |
|---|---|
| 0 | The command is done. |
| 1 | The command failed. An error that nothing caught is printed and drains in the same way. |
| 2 | The command was called wrongly, or its output is in use or belongs to another model. |
| 3 | Some inputs of a bulk command failed; \`errors.jsonl\` lists them. |
| 128 plus the signal's number | A signal interrupted the command: 130 is Ctrl-C (SIGINT), 143 SIGTERM, 129 SIGHUP. |

\`LOG_LEVEL=debug\` prints where an error came from.
`;
}

function settingTable(settings: SettingTable): string {
  const rows = Object.entries(settings).map(([name, setting]) => {
    const why = setting.why ? ` *Why this default:* ${setting.why}` : "";
    const cells = [
      `\`${environmentName(name)}\`<br>\`--${flagName(name)}\``,
      defaultText(setting).replace("default ", ""),
    ];
    return `| ${[...cells, setting.expects, `${setting.help}${why}`].map(cell).join(" | ")} |`;
  });
  return ["| variable, flag | default | expects | |", "|---|---|---|---|", ...rows].join("\n");
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, [status, meaning]]) => `| \`${code}\` | ${status} | ${cell(meaning)} |`,
  );
  return `# Errors

The service answers a request that fails with \`{"success": false, "error": "<sentence>", "code": "<CODE>"}\`. The code is
for programs and never changes its meaning. The sentence is for people, and names the item where a request has several.
Commands print the sentence. \`npm run docs\` generates this page from \`src/errors.ts\`.

| code | status | meaning |
|---|---|---|
${rows.join("\n")}
`;
}

/** Gives what GET /openapi.json answers at the default settings. */
async function apiDocument(): Promise<string> {
  const app = createApp({
    encoder: fakeEncoder(),
    config: settingsWith(serviceSettings),
    metrics: createMetrics(),
    version: "0.1.0",
  });
  try {
    const reply = await app.inject("/openapi.json");
    return `${JSON.stringify(reply.json(), null, 2)}\n`;
  } finally {
    await app.close();
  }
}

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [name, text] of Object.entries(await generatedDocs())) await writeFile(join(docsFolder, name), text);
}
