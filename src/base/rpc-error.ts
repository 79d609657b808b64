/** The gRPC status codes by name. */
export const RpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** One gRPC status code, as its number on the wire. */
export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

const NAMES = new Map<number, string>(Object.entries(RpcCode).map(([name, code]) => [code, name]));

/** The name of a status code, such as `NOT_FOUND`. */
export function rpcCodeName(code: number): string {
  return NAMES.get(code) ?? `CODE_${code}`;
}

/** A typed message that goes with an error: google.protobuf.Any with the type URL `type.googleapis.com/<full name>`. */
export interface Detail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** The cause in one word (google.rpc.ErrorInfo): the vim25 fault's name, or the field's own term. */
export interface ErrorReason {
  readonly reason: string;
  /** Whose vocabulary it is, such as `vcenter.spheresim.test`. */
  readonly domain: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One wrong field of a request (google.rpc.BadRequest). */
export interface FieldViolation {
  /** The path of the field in the request, such as `spec.memory_mb`. */
  readonly field: string;
  readonly description: string;
}

/** What an RpcError may carry besides code and text. */
export interface RpcErrorOptions {
  readonly reason?: ErrorReason | undefined;
  readonly violations?: readonly FieldViolation[] | undefined;
  readonly details?: readonly Detail[] | undefined;
  readonly cause?: unknown;
}

/** An error with its place on the wire. Thrown by a service it becomes the call's status; thrown by a client it is one. */
export class RpcError extends Error {
  readonly code: RpcCode;
  readonly reason: ErrorReason | undefined;
  readonly violations: readonly FieldViolation[];
  readonly details: readonly Detail[];

  constructor(code: RpcCode, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RpcError";
    this.code = code;
    this.reason = options.reason;
    this.violations = options.violations ?? [];
    this.details = options.details ?? [];
  }

  /** The code's name, such as `NOT_FOUND`. */
  get codeName(): string {
    return rpcCodeName(this.code);
  }

  /** The value of the detail of type `fullName` (`spheresim.vim.v1.MethodFault`), if there is one. */
  detail(fullName: string): Uint8Array | undefined {
    return this.details.find((detail) => detail.typeUrl.endsWith(`/${fullName}`))?.value;
  }

  /** `what` exists in the contract but not here; `what` names the method or the field. */
  static unimplemented(what: string): RpcError {
    return new RpcError(RpcCode.UNIMPLEMENTED, `${what} is not implemented`);
  }

  /** The request is wrong; each violation names a field and what would be right. */
  static invalidArgument(message: string, ...violations: readonly FieldViolation[]): RpcError {
    return new RpcError(RpcCode.INVALID_ARGUMENT, message, { violations });
  }

  static notFound(message: string): RpcError {
    return new RpcError(RpcCode.NOT_FOUND, message);
  }

  static alreadyExists(message: string): RpcError {
    return new RpcError(RpcCode.ALREADY_EXISTS, message);
  }

  static failedPrecondition(message: string): RpcError {
    return new RpcError(RpcCode.FAILED_PRECONDITION, message);
  }

  static unavailable(message: string): RpcError {
    return new RpcError(RpcCode.UNAVAILABLE, message);
  }

  static cancelled(message: string): RpcError {
    return new RpcError(RpcCode.CANCELLED, message);
  }

  /** Whether `error` is an RpcError, of this code if one is given. */
  static is(error: unknown, code?: RpcCode): error is RpcError {
    return error instanceof RpcError && (code === undefined || error.code === code);
  }
}

/** The type URL of a message by its full name. */
export function typeUrl(fullName: string): string {
  return `type.googleapis.com/${fullName}`;
}
