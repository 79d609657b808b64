import { badRequest, unsupportedMediaType } from "../errors.js";
import { apiVersionOf, bodyStructOf, type Kind } from "../kinds/kind.js";
import { type ApiObject, cloneObject } from "../object.js";
import { applyJsonPatch } from "../patch/json-patch.js";
import { mergePatch } from "../patch/merge-patch.js";
import { strategicMergePatch } from "../patch/strategic-merge.js";
import type { Changed, Registry } from "../registry.js";
import type { WriteOptions } from "../request.js";
import { decodeObject, type Expected, parseJsonBody, type RawBody } from "./body.js";
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
  const { value, duplicates } = parseJsonBody(body.bytes.toString("utf8"), kind.kind);
  return { type, content: value, duplicates: type === "json" ? [] : duplicates };
}

/** What an object becomes by a patch: still plain JSON, not yet checked. */
export function applyPatch(object: Record<string, unknown>, patch: Patch, struct: string): unknown {
  switch (patch.type) {
    case "json":
      return applyJsonPatch(cloneObject(object), patch.content);
    case "merge":
      if (patch.content === null || typeof patch.content !== "object" || Array.isArray(patch.content)) throw badRequest("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}");
      return mergePatch(object, patch.content);
    case "strategic":
      return strategicMergePatch(object, patch.content, struct);
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
      const patched = decodeObject(applyPatch(shown, patch, expected.struct), patch.duplicates, expected, options.fieldValidation, options.warn);
      return kind.view ? kind.view.toStored(patched) : patched;
    },
    options,
  );
}
