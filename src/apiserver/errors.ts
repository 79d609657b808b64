/** One cause of a refusal (`meta/v1 StatusCause`). */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** `meta/v1 StatusDetails`. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** `meta/v1 Status`: every answer that is no object. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** A refusal in the words and with the reason of kube-apiserver. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** Continue token of an inconsistent list, for `Expired`. */
  readonly continueToken: string | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails, continueToken?: string) {
    super(message);
    this.name = "StatusError";
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.continueToken = continueToken;
  }

  /** The Status object that goes over the wire. */
  toStatus(): Status {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: "Failure",
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** What an error needs to know of a kind. */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** `pods`, `deployments.apps`: how messages name a resource. */
export function qualified({ group, resource }: ResourceName): string {
  return group === "" ? resource : `${resource}.${group}`;
}

function details(of: ResourceName, name: string, more: StatusDetails = {}): StatusDetails {
  return { ...(name === "" ? {} : { name }), ...(of.group === "" ? {} : { group: of.group }), kind: of.resource, ...more };
}

export function notFound(of: ResourceName, name: string): StatusError {
  return new StatusError(404, "NotFound", `${qualified(of)} "${name}" not found`, details(of, name));
}

/** A path that leads nowhere. */
export function noSuchPath(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}

export function alreadyExists(of: ResourceName, name: string): StatusError {
  return new StatusError(409, "AlreadyExists", `${qualified(of)} "${name}" already exists`, details(of, name));
}

/** generateName drew a name that is taken, as often as it may be drawn. */
export function generateNameConflict(of: ResourceName, name: string): StatusError {
  return new StatusError(409, "AlreadyExists", `${qualified(of)} "${name}" already exists, the server was not able to generate a unique name for the object`, details(of, name, { retryAfterSeconds: 1 }));
}

export function conflict(of: ResourceName, name: string, why: string): StatusError {
  return new StatusError(409, "Conflict", `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`, details(of, name));
}

/** The object changed between the read and the write of an optimistic client. */
export function modified(of: ResourceName, name: string): StatusError {
  return conflict(of, name, "the object has been modified; please apply your changes to the latest version and try again");
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

export function forbidden(of: ResourceName, name: string, why: string, causes?: readonly StatusCause[]): StatusError {
  const whose = name === "" ? qualified(of) : `${qualified(of)} "${name}"`;
  return new StatusError(403, "Forbidden", `${whose} is forbidden: ${why}`, details(of, name, causes ? { causes } : {}));
}

export function unauthorized(): StatusError {
  return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** The HTTP method does not exist on this path. */
export function methodNotSupported(): StatusError {
  return new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** It exists in Kubernetes, but not here; `what` names it. */
export function notImplemented(what: string): StatusError {
  return new StatusError(501, "NotImplemented", `${what} is not implemented by spheresim`);
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError(406, "NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
}

export function unsupportedMediaType(message: string): StatusError {
  return new StatusError(415, "UnsupportedMediaType", message);
}

export function requestTooLarge(limitBytes: number): StatusError {
  return new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);
}

/** The revision asked for is compacted, or older than the history that is kept. */
export function expired(message: string, continueToken?: string): StatusError {
  return new StatusError(410, "Expired", message, undefined, continueToken);
}

export function tooOldRevision(asked: number, oldest: number): StatusError {
  return expired(`too old resource version: ${asked} (${oldest})`);
}

export function revisionInFuture(asked: number, current: number): StatusError {
  return new StatusError(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

export function serviceUnavailable(message: string): StatusError {
  return new StatusError(503, "ServiceUnavailable", message, { retryAfterSeconds: 1 });
}

export function internalError(message: string): StatusError {
  return new StatusError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** 422: the object breaks rules; each cause names a field. */
export function invalid(of: { readonly group: string; readonly kind: string }, name: string, causes: readonly StatusCause[]): StatusError {
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const whole = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
  return new StatusError(422, "Invalid", `${of.group === "" ? of.kind : `${of.kind}.${of.group}`} "${name}" is invalid: ${whole}`, {
    ...(name === "" ? {} : { name }),
    ...(of.group === "" ? {} : { group: of.group }),
    ...(of.kind === "" ? {} : { kind: of.kind }),
    causes,
  });
}

/** Server-side apply would take fields that others manage. */
export function applyConflict(causes: readonly StatusCause[]): StatusError {
  const [first] = causes;
  const text =
    causes.length === 1 ? `Apply failed with 1 conflict: ${first!.message}: ${first!.field}` : `Apply failed with ${causes.length} conflicts: ${causes.map((cause) => `${cause.message}: ${cause.field}`).join("\n")}`;
  return new StatusError(409, "Conflict", text, { causes });
}

/** The answer of a delete that leaves nothing behind. */
export function deleted(of: ResourceName, name: string, uid: string): Status {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details: details(of, name, { uid }) };
}

/** A plain success, as of a binding. */
export function created(): Status {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}
