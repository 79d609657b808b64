import { RpcError } from "../base/rpc-error.js";
import type { Duration } from "../gen/google/protobuf/duration.js";

/** Milliseconds of a protobuf Duration; `absentMs` when there is none. Throws INVALID_ARGUMENT naming the field when negative. */
export function durationMs(duration: Duration | undefined, absentMs: number, field: string): number {
  if (duration === undefined) return absentMs;
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  if (ms < 0) throw RpcError.invalidArgument(`${field} is negative`, { field, description: "must not be negative" });
  return ms;
}
