import type { SettingTable, ValuesOf } from "../config/setting.ts";

/** Describes a command of the executable. Its flags are the settings that it lists. */
export interface Command<Table extends SettingTable = SettingTable> {
  summary: string;
  /** Help shows the arguments behind the command's name in this way: "NAME". Without this, none are allowed. */
  operands?: string;
  settings: Table;
  /** Help shows these calls, without the program's name, each with what it does. */
  examples?: readonly (readonly [call: string, what: string])[];
  /** Lists exit codes besides 0, 1 (failed) and 2 (called wrongly), with their meaning. */
  exitCodes?: Readonly<Record<number, string>>;
  /** @returns the exit code, where it is not that of success */
  run(call: CommandCall<Table>): Promise<number | undefined> | Promise<void>;
}

export interface CommandCall<Table extends SettingTable> {
  values: ValuesOf<Table>;
  operands: string[];
  /** Aborts at the first SIGTERM, SIGINT or SIGHUP, and when something unforeseen failed; its reason says which. */
  signal: AbortSignal;
}

/** Lets a command's values have the types of its settings. */
export function command<Table extends SettingTable>(definition: Command<Table>): Command<Table> {
  return definition;
}
