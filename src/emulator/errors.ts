import { RpcCode, RpcError } from "../base/rpc-error.js";
import { ApiError } from "../kubernetes/status.js";

const domain = "apiserver.spheresim.test";

/** gRPC code of an API server's refusal, by its HTTP code. */
const codes: Readonly<Record<number, RpcCode>> = {
  400: RpcCode.INVALID_ARGUMENT,
  401: RpcCode.UNAUTHENTICATED,
  403: RpcCode.PERMISSION_DENIED,
  404: RpcCode.NOT_FOUND,
  409: RpcCode.ALREADY_EXISTS,
  413: RpcCode.INVALID_ARGUMENT,
  415: RpcCode.INVALID_ARGUMENT,
  422: RpcCode.INVALID_ARGUMENT,
  429: RpcCode.RESOURCE_EXHAUSTED,
  504: RpcCode.DEADLINE_EXCEEDED,
};

/** The API server's own refusal on a gRPC wire: its text and reason, and the fields it names. Other errors stay as they are. */
export function refusal(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const violations = (error.status.details?.causes ?? []).map((cause) => ({ field: cause.field ?? "", description: cause.message ?? "" }));
  return new RpcError(codes[error.code] ?? RpcCode.UNAVAILABLE, error.message, { reason: { reason: error.reason ?? "Unknown", domain }, violations, cause: error });
}
