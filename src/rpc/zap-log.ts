import { pino } from "pino";
import { wallClock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { LogLevel } from "./log.js";

/** JSON lines on standard error as etcd's logger zap writes them: `{"level":"info","ts":"2021-06-07T12:00:00.000Z","msg":"...", ...}`. */
export function zapLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"ts":"${new Date(wallClock().nowMs()).toISOString()}"`,
      serializers: { err: (error: Error) => error.message },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
