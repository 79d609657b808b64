import { pino } from "pino";
import type { Logger } from "../base/log.js";

/** How much is said. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on standard error; standard output belongs to the commands. */
export function pinoLogger(options: { readonly level: LogLevel; readonly fields?: Readonly<Record<string, unknown>> }): Logger {
  const err = options.level === "debug" ? pino.stdSerializers.err : brief;
  return pino({ level: options.level, base: { ...options.fields }, serializers: { err } }, pino.destination({ dest: 2, sync: true }));
}

/** Stacks are for those who ask for them with `debug`. */
function brief(error: Error): string {
  return `${error.name}: ${error.message}`;
}
