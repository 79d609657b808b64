import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type Detail, RpcCode, RpcError, type ErrorReason, type FieldViolation, typeUrl } from "../base/rpc-error.js";
import { BadRequest, ErrorInfo } from "../gen/google/rpc/error_details.js";
import { Status } from "../gen/google/rpc/status.js";

/** The trailer that carries google.rpc.Status; grpc-js encodes a `-bin` value as base64 itself. */
const DETAILS_TRAILER = "grpc-status-details-bin";
/** HTTP/2 peers may refuse long header lists (8 KiB is common), and base64 adds a third. */
const MAX_DETAILS_BYTES = 4096;
/** `grpc-message` is a header too; a longer text is cut. */
const MAX_MESSAGE_CHARS = 2048;
/** The text stands in google.rpc.Status once more, which is where grpc-go and grpc-java read it; so much of it leaves room for the details. */
const MAX_STATUS_MESSAGE_BYTES = 1024;
/** A refusal of many fields names as many as fit into this. */
const MAX_BAD_REQUEST_BYTES = 1024;
/** A field's path and what is said of it; both may repeat what the caller sent. */
const MAX_FIELD_BYTES = 256;
const MAX_DESCRIPTION_BYTES = 512;
/** What google.rpc.Status needs besides its text and details. */
const STATUS_FRAME_BYTES = 16;

const ERROR_INFO = typeUrl("google.rpc.ErrorInfo");
const BAD_REQUEST = typeUrl("google.rpc.BadRequest");

/** What grpc-js takes as the end of a failed call. */
export interface WireStatus {
  readonly code: RpcCode;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status of an RpcError: its text, and its details as google.rpc.Status while they fit into 4 KiB. */
export function toWireStatus(error: RpcError): WireStatus {
  const metadata = new Metadata();
  const text = messageText(error.message);
  const message = cutToBytes(text, MAX_STATUS_MESSAGE_BYTES);
  const details = fitting(allDetails(error), MAX_DETAILS_BYTES - STATUS_FRAME_BYTES - Buffer.byteLength(message));
  if (details.length > 0) {
    const status = Status.encode({ code: error.code, message, details }).finish();
    metadata.set(DETAILS_TRAILER, Buffer.from(status));
  }
  return { code: error.code, details: text, metadata };
}

/** The text as it can be sent: cut to size, and without lone surrogates, which have no percent-encoding. */
function messageText(message: string): string {
  const text = message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS - 1)}…` : message;
  return Buffer.from(text, "utf8").toString("utf8");
}

/** At most so many bytes of UTF-8, ending with an ellipsis where something is missing. */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes - Buffer.byteLength("…");
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--; // not in the middle of a character
  return `${bytes.toString("utf8", 0, end)}…`;
}

function allDetails(error: RpcError): Detail[] {
  const details: Detail[] = [];
  if (error.reason !== undefined) {
    const { reason, domain, metadata } = error.reason;
    details.push({ typeUrl: ERROR_INFO, value: ErrorInfo.encode(ErrorInfo.create({ reason, domain, metadata: { ...metadata } })).finish() });
  }
  details.push(...error.details);
  if (error.violations.length > 0) details.push({ typeUrl: BAD_REQUEST, value: badRequest(error.violations) });
  return details;
}

/** The fields at fault, at least the first one. */
function badRequest(violations: readonly FieldViolation[]): Uint8Array {
  const all = violations.map(({ field, description }) => ({ field: cutToBytes(field, MAX_FIELD_BYTES), description: cutToBytes(description, MAX_DESCRIPTION_BYTES), reason: "" }));
  for (let count = all.length; ; count -= 1) {
    const bytes = BadRequest.encode({ fieldViolations: all.slice(0, count) }).finish();
    if (bytes.length <= MAX_BAD_REQUEST_BYTES || count === 1) return bytes;
  }
}

/** The details in their order of importance, without those that would exceed `maxBytes`. */
function fitting(details: readonly Detail[], maxBytes: number): { typeUrl: string; value: Buffer }[] {
  const kept: { typeUrl: string; value: Buffer }[] = [];
  let bytes = 0;
  for (const detail of details) {
    const size = detail.typeUrl.length + detail.value.length + 16;
    if (bytes + size > maxBytes) continue;
    bytes += size;
    kept.push({ typeUrl: detail.typeUrl, value: Buffer.from(detail.value) });
  }
  return kept;
}

/** The RpcError behind what a grpc-js client got. */
export function fromServiceError(error: ServiceError): RpcError {
  let reason: ErrorReason | undefined;
  let violations: FieldViolation[] = [];
  const details: Detail[] = [];
  for (const detail of readDetails(error.metadata)) {
    if (detail.typeUrl === ERROR_INFO) reason = ErrorInfo.decode(detail.value);
    else if (detail.typeUrl === BAD_REQUEST) violations = BadRequest.decode(detail.value).fieldViolations;
    else details.push(detail);
  }
  return new RpcError(isCutOff(error) ? RpcCode.UNAVAILABLE : error.code, error.details, { reason, violations, details });
}

/**
 * Whether the connection ended before the server's word. grpc-js calls that UNAVAILABLE where it hears of the connection first, and INTERNAL where it
 * hears of the stream first; nobody may take it for an answer.
 */
function isCutOff({ code, details }: ServiceError): boolean {
  return code === status.INTERNAL && details.endsWith("(Call ended without gRPC status)");
}

function readDetails(metadata: Metadata | undefined): readonly Detail[] {
  const value = metadata?.get(DETAILS_TRAILER)[0];
  if (value === undefined || typeof value === "string") return [];
  try {
    return Status.decode(value).details;
  } catch {
    // A foreign server may put anything there; code and text still stand.
    return [];
  }
}

/** Whether a call that failed so may simply be made again. */
export function isTransient(error: unknown): boolean {
  return RpcError.is(error, RpcCode.UNAVAILABLE);
}
