/** `meta/v1 Status`: how the API server answers an error, or the end of a deletion. */
export interface Status {
  readonly apiVersion?: "v1";
  readonly kind?: "Status";
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly status?: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  /** The HTTP status code. */
  readonly code?: number;
}

export type StatusReason =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Expired"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "Invalid"
  | "TooManyRequests"
  | "InternalError"
  | "ServiceUnavailable"
  | "ServerTimeout"
  | "Timeout";

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/** An answer of the API server that is not a success, with the Status it sent; or no answer at all (`isTransport`). */
export class ApiError extends Error {
  readonly status: Status;
  /** True when no answer came: refused, cut, timed out. Whether a write took effect is then unknown. */
  readonly isTransport: boolean;

  constructor(status: Status, options: { readonly isTransport?: boolean; readonly cause?: unknown } = {}) {
    super(status.message ?? `the server answered ${status.code ?? "an error"}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "ApiError";
    this.status = status;
    this.isTransport = options.isTransport ?? false;
  }

  get code(): number {
    return this.status.code ?? 0;
  }

  get reason(): StatusReason | undefined {
    return this.status.reason;
  }
}

/** An ApiError for a call that got no answer. */
export function transportError(message: string, cause?: unknown): ApiError {
  return new ApiError({ apiVersion: "v1", kind: "Status", status: "Failure", reason: "ServiceUnavailable", code: 503, message }, { isTransport: true, cause });
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.reason === "NotFound";
}

/** 409 of an update or a precondition: read again and decide anew. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === "Conflict";
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.reason === "AlreadyExists";
}

/** 410: the resource version or continue token is older than what the store keeps. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 410 || error.reason === "Expired" || error.reason === "Gone");
}

/** 403 whose causes say the namespace is on its way out: creating there is pointless. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof ApiError && error.reason === "Forbidden" && (error.status.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");
}
