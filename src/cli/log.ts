import pino, { type Logger } from "pino";

/** Logs to stdout: lines for people on a terminal, otherwise JSON lines. */
export function createLogger(level: string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } });
  return pino(options, { write: (line) => process.stdout.write(readableLine(line)) });
}

/** Turns a JSON line of pino's into `12:34:56 WARN  message key=value`. */
export function readableLine(line: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(line);
  const label = (pino.levels.labels[level] ?? String(level)).toUpperCase().padEnd(5);
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const stack = err?.stack ? `\n${err.stack}` : "";
  return `${String(time).slice(11, 19)} ${label} ${msg ?? ""}${fields.join("")}${stack}\n`;
}
