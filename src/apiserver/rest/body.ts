import { parseDocument } from "yaml";
import { badRequest, StatusError, unsupportedMediaType } from "../errors.js";
import type { ApiObject } from "../object.js";
import type { FieldValidation } from "../request.js";
import { decodeStruct, DecodeError } from "../schema/decode.js";
import { JsonSyntaxError, parseJson } from "../schema/json-text.js";
import type { MismatchText } from "../schema/mismatch.js";
import { decodeMessage, openEnvelope, ProtobufError } from "../schema/protobuf.js";

/** A request's body as it came. */
export interface RawBody {
  readonly bytes: Buffer;
  /** Media type without parameters. */
  readonly contentType: string;
}

/** The type a body must have. */
export interface Expected {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Struct of schema/. */
  readonly struct: string;
}

/** How many complaints of strict decoding are named. */
const COMPLAINT_LIMIT = 100;

const ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/** Plain JSON, and what strict decoding has to say of its text. */
export interface ParsedBody {
  readonly value: unknown;
  readonly complaints: readonly string[];
}

export function duplicateFields(paths: readonly string[]): string[] {
  return paths.map((path) => `duplicate field "${path}"`);
}

/** Parses JSON; a syntax error is 400 with Go's words. */
function parseJsonBody(text: string, kind: string): ParsedBody {
  try {
    const { value, duplicates } = parseJson(text);
    return { value, complaints: duplicateFields(duplicates) };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${error.message} (${Buffer.from(text).subarray(0, 32).toString("hex")} ...)`);
  }
}

function parseYamlBody(text: string, kind: string): ParsedBody {
  const document = parseDocument(text, { uniqueKeys: false, schema: "core" });
  const [first] = document.errors;
  if (first) throw badRequest(`the object provided is unrecognized (must be of type ${kind}): yaml: ${first.message.split("\n", 1)[0]!.replace(/:$/, "")}`);
  // Through JSON, so that anchors and special numbers become plain values; duplicates are seen by the strict reader of YAML.
  return { value: JSON.parse(JSON.stringify(document.toJS() ?? null)), complaints: duplicateYamlKeys(text) };
}

/** Keys that a map has twice, as Go's strict reader of YAML tells them: all in one complaint, by line. */
function duplicateYamlKeys(text: string): string[] {
  const strict = parseDocument(text, { uniqueKeys: true, schema: "core" });
  const duplicates = strict.errors.filter((error) => error.code === "DUPLICATE_KEY");
  const lines = duplicates.map(({ pos, linePos }) => `\n  line ${linePos?.[0].line ?? 0}: key ${JSON.stringify(/^["']?([^"':\s]+)/.exec(text.slice(pos[0]))?.[1] ?? "")} already set in map`);
  return lines.length === 0 ? [] : [`yaml: unmarshal errors:${lines.join("")}`];
}

/** Reports unknown and duplicate fields as the caller asked: silent, by a warning each, or as one error in `refusal`'s form. */
export function report(complaints: readonly string[], validation: FieldValidation, warn: (text: string) => void, refusal: (why: string) => StatusError): void {
  if (complaints.length === 0 || validation === "Ignore") return;
  const named = complaints.slice(0, COMPLAINT_LIMIT);
  if (validation === "Warn") for (const complaint of named) warn(complaint);
  else throw refusal(`strict decoding error: ${named.join(", ")}`);
}

/** Plain JSON as an object of a type, and what strict decoding says of it. */
export interface DecodedObject {
  readonly object: ApiObject;
  readonly complaints: readonly string[];
}

/**
 * Decodes plain JSON as an object of the expected type: types checked (DecodeError), unknown fields dropped and named. What it shares with
 * `known`, which is decoded already, is taken as it is.
 */
export function decodeJson({ value, complaints }: ParsedBody, expected: Expected, mismatchText?: MismatchText, known?: ApiObject): DecodedObject {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${kind} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`);
  }
  const body = value as Record<string, unknown>;
  requireType(body["apiVersion"], body["kind"], expected);
  const decoded = decodeStruct(body, expected.struct, mismatchText, known);
  return { object: withType(decoded.value, expected), complaints: [...complaints, ...decoded.unknown.map((path) => `unknown field "${path}"`)] };
}

function decodeObject(parsed: ParsedBody, expected: Expected, validation: FieldValidation, warn: (text: string) => void): ApiObject {
  const refusal = (why: string): StatusError => badRequest(`${expected.kind} in version "${expected.apiVersion.split("/").at(-1)}" cannot be handled as a ${expected.kind}: ${why}`);
  try {
    const { object, complaints } = decodeJson(parsed, expected);
    report(complaints, validation, warn, refusal);
    return object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refusal(error.message);
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
}

function requireType(apiVersion: unknown, kind: unknown, expected: Expected): void {
  const version = text(apiVersion);
  if (text(kind) === "" && version === "") return;
  if (text(kind) !== "" && kind !== expected.kind) {
    throw badRequest(`${text(kind)} in version "${version}" cannot be handled as a ${expected.kind}: no kind "${text(kind)}" is registered for version "${version}" in scheme "spheresim"`);
  }
  if (version !== "" && version !== expected.apiVersion) throw badRequest(`the API version in the data (${version}) does not match the expected API version (${expected.apiVersion})`);
}

function withType(value: Record<string, unknown>, expected: Expected): ApiObject {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = value;
  return { apiVersion: expected.apiVersion, kind: expected.kind, metadata: (metadata ?? {}) as ApiObject["metadata"], ...rest };
}

/** Decodes a request body (JSON, YAML or protobuf) as an object of the expected type. */
export function decodeBody(body: RawBody, expected: Expected, validation: FieldValidation, warn: (text: string) => void): ApiObject {
  switch (body.contentType) {
    case "":
    case "application/json":
      if (body.bytes.length === 0) throw badRequest(`EOF`);
      return decodeObject(parseJsonBody(body.bytes.toString("utf8"), expected.kind), expected, validation, warn);
    case "application/yaml":
      return decodeObject(parseYamlBody(body.bytes.toString("utf8"), expected.kind), expected, validation, warn);
    case "application/vnd.kubernetes.protobuf":
      return decodeProtobuf(body.bytes, expected);
    default:
      throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${ACCEPTED}`);
  }
}

function decodeProtobuf(bytes: Buffer, expected: Expected): ApiObject {
  try {
    const envelope = openEnvelope(bytes);
    if (expected.struct.startsWith("image.")) throw unsupportedMediaType(`${expected.kind} has no protobuf form: send application/json`);
    requireType(envelope.apiVersion, envelope.kind, expected);
    // Through the same gate as JSON: canonical quantities, and a type error would be a fault of the decoder.
    return withType(decodeStruct(decodeMessage(envelope.raw, expected.struct), expected.struct).value, expected);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    if (error instanceof ProtobufError || error instanceof DecodeError) throw badRequest(`${expected.kind} in version "${expected.apiVersion.split("/").at(-1)}" cannot be handled as a ${expected.kind}: ${error.message}`);
    throw error;
  }
}
