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

export function commandHelp(name: string, { summary, operands, settings }: Command): string {
  const usage = ["image-text-encoder", name, operands, "[--flag VALUE]…"].filter(Boolean).join(" ");
  return `${summary}.

Usage: ${usage}

Every flag is also an environment variable; the flag wins.

${settingLines(settings).join("\n\n")}
`;
}

function settingLines(settings: SettingTable): string[] {
  return Object.entries(settings).map(([name, setting]) => {
    const { help, expects } = setting;
    return `  --${flagName(name)}  (${environmentName(name)}, ${defaultText(setting)})\n      ${help} Expects ${expects}.`;
  });
}

/** Describes a default: "default 5555", "default none" if it is empty, or "required" if there is none. */
export function defaultText({ default: value, secret }: Setting<never> | Setting<unknown>): string {
  if (value === undefined) return "required";
  if (value === "" || (Array.isArray(value) && value.length === 0)) return "default none";
  if (typeof value === "boolean") return `default ${value ? "on" : "off"}`;
  return secret ? "default hidden" : `default ${value}`;
}
