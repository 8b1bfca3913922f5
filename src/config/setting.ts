import { z } from "zod";
import { EncoderError } from "../errors.ts";

/**
 * One declaration per setting makes the flag (`--max-batch`), the environment variable (`MAX_BATCH`), the default, the
 * help text and docs/configuration.md. `why` justifies the default.
 */
export interface Setting<T> {
  schema: z.ZodType<T>;
  /** Without a default, the setting must be given. */
  default?: T;
  /** Says what a valid value looks like, for error messages: "an integer from 1 to 65535". */
  expects: string;
  help: string;
  why?: string;
  /** The flag has this value when it stands alone. */
  bare?: string;
  /** Gives the flag a second name of one letter: `-n`. */
  short?: string;
  /** If true, the flag may be given several times; its values are joined with commas. */
  repeatable?: boolean;
  /** If true, values of this setting are never printed. */
  secret?: boolean;
  /** If true, the variable's name in lower case counts too, as it does for curl. */
  lowerCase?: boolean;
}

export type SettingTable = Record<string, Setting<never> | Setting<unknown>>;
type ValueOf<S> = S extends Setting<infer T> ? T : never;
export type ValuesOf<Table> = { [Name in keyof Table]: ValueOf<Table[Name]> };

export const MiB = 1024 * 1024;

/** Holds what a declaration says besides which values it takes. */
type Declaration<T> = Omit<Setting<T>, "schema" | "expects">;

export function integer(min: number, max: number, declaration: Declaration<number>): Setting<number> {
  const schema = z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
    .pipe(z.number().int().min(min).max(max));
  return { schema, expects: `an integer from ${min} to ${max}`, ...declaration };
}

/** Accepts any text but the empty one, or what a schema says. */
export function text(
  expects: string,
  declaration: Declaration<string> & { schema?: z.ZodType<string> },
): Setting<string> {
  return { schema: z.string().min(1), expects, ...declaration };
}

export function choice<const T extends string>(values: T[], declaration: Declaration<NoInfer<T>>): Setting<T> {
  return { schema: z.enum(values) as unknown as z.ZodType<T>, expects: `one of ${values.join(", ")}`, ...declaration };
}

export function toggle(declaration: Declaration<boolean>): Setting<boolean> {
  const word = z.string().toLowerCase();
  const schema = z.union([
    z.boolean(),
    word.pipe(z.enum(["on", "true", "1", "yes"])).transform(() => true),
    word.pipe(z.enum(["off", "false", "0", "no"])).transform(() => false),
  ]);
  return { schema, expects: "on or off", bare: "on", ...declaration };
}

interface ListDeclaration extends Declaration<string[]> {
  /** Says what all values together must be. */
  items?: z.ZodType<string[], string[]>;
  split?(value: string): string[];
}

const atCommas = (value: string) => value.split(",");

/** Accepts values with commas between them. */
export function list(
  expects: string,
  { items = z.array(z.string()), split = atCommas, ...declaration }: ListDeclaration,
): Setting<string[]> {
  const parts = z.string().transform((value) =>
    split(value)
      .map((part) => part.trim())
      .filter(Boolean),
  );
  return { schema: z.union([z.array(z.string()), parts]).pipe(items), expects, ...declaration };
}

/** Turns `maxBatchItems` into `MAX_BATCH_ITEMS`. */
export function environmentName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Turns `maxBatchItems` into `max-batch-items`. */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Reads a table's settings from flags (already split by parseArgs of node:util, keyed by flag name) and environment.
 * Flags win, and an empty environment variable counts as not set.
 * @throws EncoderError CONFIG_INVALID naming the variable, what was expected and what was received.
 */
export function readSettings<Table extends SettingTable>(
  table: Table,
  { flags, env }: { flags: Record<string, unknown>; env: Record<string, string | undefined> },
): ValuesOf<Table> {
  return parseSettings(table, (name) => {
    const flag = flags[flagName(name)];
    if (flag !== undefined) return { value: flag, source: `--${flagName(name)}` };
    const variable = environmentName(name);
    const source = [variable, ...(table[name]?.lowerCase ? [variable.toLowerCase()] : [])].find((name) => env[name]);
    return source === undefined ? undefined : { value: env[source], source };
  });
}

/** Checks what `given` finds for each setting of a table, or takes the default. */
export function parseSettings<Table extends SettingTable>(
  table: Table,
  given: (name: string) => { value: unknown; source: string } | undefined,
): ValuesOf<Table> {
  const values = Object.entries(table).map(([name, declaration]) => {
    const input = given(name);
    // A default is valid even where its schema asks more of what users give: "" stands for nothing.
    const isDefault = input === undefined || input.value === declaration.default;
    if (isDefault && declaration.default !== undefined) return [name, declaration.default];
    const parsed = input && declaration.schema.safeParse(input.value);
    if (parsed?.success) return [name, parsed.data];
    const source = input?.source ?? `--${flagName(name)} or ${environmentName(name)}`;
    const shown = declaration.secret ? "a value that does not fit" : JSON.stringify(input?.value);
    const received = input === undefined ? "nothing" : shown;
    throw new EncoderError("CONFIG_INVALID", `${source}: expected ${declaration.expects}, received ${received}`);
  });
  return Object.fromEntries(values) as ValuesOf<Table>; // every key of the table was parsed by its own schema
}

/**
 * Checks values that a program gives instead of flags, and adds the defaults that `given` leaves out.
 * @throws EncoderError CONFIG_INVALID for a wrong value, and for a key that the table does not have.
 */
export function settingsWith<Table extends SettingTable>(
  table: Table,
  given: Partial<ValuesOf<Table>> = {},
): ValuesOf<Table> {
  const values = new Map<string, unknown>(Object.entries(given));
  const unknown = [...values.keys()].find((name) => !Object.hasOwn(table, name));
  if (unknown !== undefined) {
    const message = `There is no setting ${JSON.stringify(unknown)}; expected some of ${Object.keys(table).join(", ")}.`;
    throw new EncoderError("CONFIG_INVALID", message);
  }
  return parseSettings(table, (name) => {
    const value = values.get(name);
    return value === undefined ? undefined : { value, source: name };
  });
}

/** Picks the values that `table` declares, so that no part is handed settings that it does not need. */
export function pickSettings<Table extends SettingTable>(
  table: Table,
  values: NoInfer<ValuesOf<Table>>,
): ValuesOf<Table> {
  const own = Object.entries(values).filter(([name]) => Object.hasOwn(table, name));
  return Object.fromEntries(own) as ValuesOf<Table>; // `values` has every key of the table, and its types
}
