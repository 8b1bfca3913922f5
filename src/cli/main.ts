import { constants } from "node:os";
import { parseArgs } from "node:util";
import { flagName, readSettings } from "../config/setting.ts";
import { EncoderError, type ErrorCode, toEncoderError } from "../errors.ts";
import { packageVersion } from "../host/package.ts";
import { commandArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { allCommands, commands } from "./commands.ts";
import { commandHelp, overview } from "./help.ts";
import { stopOnSignals } from "./stop-signal.ts";

/**
 * Runs a command and gives the exit code: 0 if it is done, 1 if it failed, 2 if it was called wrongly or refused. A command
 * may have others, and a signal ends it with 128 and more.
 */
async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-v") {
    process.stdout.write(`${await packageVersion()}\n`);
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? process.stderr : process.stdout).write(overview(await allCommands()));
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? await commands[name]!() : undefined;
  if (!command) throw callError(`There is no command ${JSON.stringify(name)}; see image-text-encoder --help.`);
  const { flags, operands } = parseCall(command, rest, name);
  if (flags.help) {
    process.stdout.write(commandHelp(name, command));
    return 0;
  }
  // NVIDIA's own switch, read when its libraries are loaded: float32 graphs compute with whole numbers on a GPU, too. The
  // runtime's binding passes no such option to the provider.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  // LanceDB writes a thousand warnings of no consequence while it builds an index of a million vectors.
  process.env.LANCEDB_LOG ??= "error";
  const stop = stopOnSignals();
  const values = readSettings(command.settings, { flags, env: process.env });
  try {
    const code = await command.run({ values, operands, signal: stop.signal });
    return code ?? stop.code.ended;
  } catch (error) {
    if (error !== stop.signal.reason) throw error;
    process.stderr.write("image-text-encoder: interrupted\n");
    return stop.code.interrupted;
  }
}

function parseCall(command: Command, args: string[], name: string) {
  const flags = Object.entries(command.settings).map(
    ([name, { short, repeatable: multiple = false }]) =>
      [flagName(name), { type: "string", multiple, ...(short !== undefined && { short }) }] as const,
  );
  const options = { ...Object.fromEntries(flags), help: { type: "boolean", short: "h" } } as const;
  try {
    const { values, positionals } = parseArgs({
      args: withBareValues(command, args),
      options,
      allowPositionals: command.operands !== undefined,
    });
    const joined = Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join() : value]);
    return { flags: Object.fromEntries(joined) as Record<string, unknown>, operands: positionals };
  } catch (error) {
    // The message of parseArgs is a sentence about the argument, followed by advice that does not fit here.
    const [reason] = toEncoderError(error).internal!.split(/\. |\n/);
    throw callError(`${reason}; see image-text-encoder ${name} --help.`);
  }
}

/** Gives flags that stand alone their values; `--text on` and `--text=on` have one already, `--text photos/` has not. */
function withBareValues({ settings }: Command, args: string[]): string[] {
  const bare = new Map(Object.entries(settings).map(([name, setting]) => [`--${flagName(name)}`, setting]));
  const joined = joinNegative(args, bare);
  const end = joined.indexOf("--");
  return joined.map((arg, at) => {
    const setting = bare.get(arg);
    if (setting?.bare === undefined || (end >= 0 && at > end)) return arg;
    return setting.schema.safeParse(joined[at + 1]).success ? arg : `${arg}=${setting.bare}`;
  });
}

/** Writes `--min -0.5` as `--min=-0.5`: parseArgs would take the number for another flag. */
function joinNegative(args: readonly string[], settings: ReadonlyMap<string, unknown>): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    if (/^-\.?\d/.test(arg) && last !== undefined && settings.has(last) && !joined.includes("--"))
      joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

const callError = (message: string) => new EncoderError("CONFIG_INVALID", message);

/** A call like this one can never do what was asked for. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["CONFIG_INVALID", "OUTPUT_REFUSED", "SHARD_REFUSED", "INVALID_REQUEST", "EMPTY_TEXT"] as const),
]);

const mostShown = 4000;

/** Prints one line. Whoever types commands may also know what is kept from clients of the service. */
function report(thrown: unknown): number {
  const error = toEncoderError(thrown);
  const line = error.internal ? `${error.message} (${error.internal})` : error.message;
  const shown = line.replace(/\s*\n\s*/g, " ").replace(/\p{Cc}/gu, "?"); // a file's words may be in it
  process.stderr.write(`image-text-encoder: ${shown.slice(0, mostShown)}\n`);
  if (process.env.LOG_LEVEL === "debug") process.stderr.write(`${error.stack}\n`);
  return refusals.has(error.code) ? 2 : 1;
}

process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") process.exit(128 + constants.signals.SIGPIPE); // whoever reads has had enough, such as head
  process.stderr.write(`image-text-encoder: The output could not be written (${code}).\n`);
  process.exit(1);
});

// process.exit() is not called otherwise, so that what was written to pipes is flushed and a leaked handle shows.
process.exitCode = await main(commandArguments()).catch(report);
