import { badRequest, invalid, type StatusError, unsupportedMediaType } from "../errors.js";
import { apiVersionOf, bodyStructOf, type Kind } from "../kinds/kind.js";
import { type ApiObject, cloneObject } from "../object.js";
import { applyJsonPatch } from "../patch/json-patch.js";
import { mergePatch } from "../patch/merge-patch.js";
import { strategicMergePatch } from "../patch/strategic-merge.js";
import type { Changed, Registry } from "../registry.js";
import type { WriteOptions } from "../request.js";
import { DecodeError } from "../schema/decode.js";
import { JsonSyntaxError, parseJson } from "../schema/json-text.js";
import { conversionMismatch, goText, jsonKind, jsonMismatch } from "../schema/mismatch.js";
import { invalidValue } from "../validation/field-path.js";
import { decodeJson, duplicateFields, type Expected, type RawBody, report } from "./body.js";
import { isSettled } from "./settled.js";
import { editObject } from "./update.js";

/** A parsed patch. */
export interface Patch {
  readonly type: "json" | "merge" | "strategic";
  readonly content: unknown;
  readonly duplicates: readonly string[];
}

const TYPES: Readonly<Record<string, Patch["type"]>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
};

/** Server-side apply, which is no patch of what is there but a statement of what is wanted (see apply.ts). */
export const APPLY_TYPE = "application/apply-patch+yaml";

/** Media types of patches, as a refusal lists them. */
const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json", APPLY_TYPE, "application/strategic-merge-patch+json"];

/** Reads a patch; 415 for a media type that is none, or one the kind cannot take. */
export function parsePatch(kind: Kind, body: RawBody): Patch {
  const type = TYPES[body.contentType];
  const accepted = kind.struct.startsWith("image.") ? PATCH_TYPES.slice(0, 3) : PATCH_TYPES;
  if (!type || (type === "strategic" && kind.struct.startsWith("image."))) {
    throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`);
  }
  const where = type === "strategic" ? "" : "error decoding patch: ";
  try {
    const { value, duplicates } = parseJson(body.bytes.toString("utf8"));
    if (type !== "json" && jsonKind(value) !== "object") throw badRequest(`${where}json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`);
    return { type, content: value, duplicates: type === "json" ? [] : duplicates };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`${where}${error.message}`);
  }
}

function applyPatch(object: Record<string, unknown>, patch: Patch, struct: string): unknown {
  switch (patch.type) {
    case "json":
      return applyJsonPatch(cloneObject(object), patch.content);
    case "merge":
      return mergePatch(object, patch.content);
    case "strategic":
      return strategicMergePatch(object, patch.content, struct);
  }
}

/**
 * What an object becomes by a patch, decoded. Where it is no longer of its type the patch is invalid (422), shown as the real server
 * shows it: the patch itself where it was strategic, else what came of it.
 */
export function patchedObject(current: ApiObject, patch: Patch, expected: Expected, options: WriteOptions): ApiObject {
  const patched = applyPatch(current, patch, expected.struct);
  const isStrategic = patch.type === "strategic";
  const refusal = (why: string): StatusError => invalid({ group: "", kind: "" }, "", [invalidValue("patch", isStrategic ? goText(patch.content) : JSON.stringify(patched), why)]);
  try {
    const { object, complaints } = decodeJson({ value: patched, complaints: duplicateFields(patch.duplicates) }, expected, isStrategic ? conversionMismatch : jsonMismatch, isSettled(current) ? current : undefined);
    report(complaints, options.fieldValidation, options.warn, refusal);
    return object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refusal(error.message);
  }
}

/** PATCH of an object or its status. A resourceVersion or uid in the result is a precondition. */
export function patchObject(registry: Registry, kind: Kind, namespace: string, name: string, patch: Patch, options: WriteOptions): Promise<Changed> {
  const expected: Expected = { apiVersion: apiVersionOf(kind), kind: kind.kind, struct: bodyStructOf(kind) };
  return editObject(
    registry,
    kind,
    namespace,
    name,
    (current: ApiObject) => {
      const shown = kind.view ? kind.view.fromStored(current) : current;
      const patched = patchedObject(shown, patch, expected, options);
      return kind.view ? kind.view.toStored(patched) : patched;
    },
    options,
  );
}
