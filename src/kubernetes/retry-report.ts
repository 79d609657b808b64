import type { Logger } from "../base/log.js";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { ApiError } from "./status.js";

/** A peer that is away so many times in a row is worth a line; at a start and a restart everybody is away for a moment. */
const patience = 6;

/** Notes a failure that will be tried again: loudly unless its cause is a peer that is away for a moment. */
export function reportFailure(log: Logger, error: unknown, attempts: number, fields: Readonly<Record<string, unknown>>, text: string): void {
  if (!isAway(error)) log.warn({ ...fields, err: error }, text);
  else if (attempts < patience) log.debug({ ...fields, error: error.message }, text);
  else log.warn({ ...fields, error: error.message }, text);
}

function isAway(error: unknown): error is Error {
  return (error instanceof ApiError && error.isTransport) || RpcError.is(error, RpcCode.UNAVAILABLE);
}
