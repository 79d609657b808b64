import { pino } from "pino";
import type { Logger } from "../base/log.js";

/** How much is said. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on standard error; standard output belongs to the commands. */
export function pinoLogger(options: { readonly level: LogLevel; readonly fields?: Readonly<Record<string, unknown>> }): Logger {
  return pino({ level: options.level, base: { ...options.fields }, serializers: { err: pino.stdSerializers.err } }, pino.destination({ dest: 2, sync: true }));
}
