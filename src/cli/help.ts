import { environmentName, flagName, type Setting, type SettingTable } from "../config/setting.ts";
import type { Command } from "./command.ts";

export function overview(commands: Record<string, Command>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: image-text-encoder COMMAND [--flag VALUE]…

${lines.join("\n")}

image-text-encoder COMMAND --help lists its flags; --version prints the version.
`;
}

export function commandHelp(name: string, command: Command): string {
  const { summary, operands, settings, examples = [], exitCodes } = command;
  const usage = ["image-text-encoder", name, operands, "[--flag VALUE]…"].filter(Boolean).join(" ");
  return `${summary}.

Usage: ${usage}
${exampleLines(examples)}${exitCodeLines(exitCodes)}
Every flag is also an environment variable; the flag wins.

${settingLines(settings).join("\n\n")}
`;
}

function exampleLines(examples: NonNullable<Command["examples"]>): string {
  return examples.map(([call, what]) => `\n  image-text-encoder ${call}\n      ${what}\n`).join("");
}

function exitCodeLines(exitCodes: Command["exitCodes"]): string {
  if (!exitCodes) return "";
  const codes = { 0: "done", 1: "failed", 2: "called wrongly", ...exitCodes };
  const lines = Object.entries(codes).map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}\n`);
  return `\nExit codes:\n${lines.join("")}`;
}

function settingLines(settings: SettingTable): string[] {
  return Object.entries(settings).map(([name, setting]) => {
    const { help, expects } = setting;
    const short = setting.short === undefined ? "" : `-${setting.short}, `;
    return `  ${short}--${flagName(name)}  (${environmentName(name)}, ${defaultText(setting)})\n      ${help} Expects ${expects}.`;
  });
}

/** Describes a default: "default 5555", "default none" if it is empty, or "required" if there is none. */
export function defaultText({ default: value, secret }: Setting<never> | Setting<unknown>): string {
  if (value === undefined) return "required";
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  if (value === "" || isEmpty) return "default none";
  if (typeof value === "boolean") return `default ${value ? "on" : "off"}`;
  return secret ? "default hidden" : `default ${value}`;
}
