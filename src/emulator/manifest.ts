import { parseAllDocuments } from "yaml";
import { RpcError } from "../base/rpc-error.js";

/** An object of a manifest, as far as it must be known to send it to the API server. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly generateName?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** An object and where in the request it stands: `manifest[1]` is the second document. */
export interface ReadObject {
  readonly object: ManifestObject;
  readonly field: string;
}

const maxDocuments = 1000;

/**
 * Reads the documents of a YAML or JSON manifest; a `List` counts as its items. Throws INVALID_ARGUMENT naming document, line and
 * field.
 */
export function readManifest(text: string): ReadObject[] {
  const objects: ReadObject[] = [];
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) throw invalid("manifest", "the manifest is empty");
  documents.forEach((document, index) => {
    const error = document.errors[0];
    if (error !== undefined) throw invalid(`manifest[${index}]`, `document ${index + 1} does not parse: ${error.message.split("\n", 1)[0]?.replace(/:$/, "")}`);
    const content: unknown = document.toJS({ maxAliasCount: 100 });
    if (content === null || content === undefined) return; // an empty document between two ---
    for (const each of itemsOf(content)) objects.push({ object: check(each, index), field: `manifest[${index}]` });
  });
  if (objects.length === 0) throw invalid("manifest", "the manifest is empty");
  if (objects.length > maxDocuments) throw invalid("manifest", `the manifest has ${objects.length} objects; at most ${maxDocuments} are taken`);
  return objects;
}

function itemsOf(content: unknown): unknown[] {
  const list = content as { kind?: unknown; items?: unknown };
  return list.kind === "List" && Array.isArray(list.items) ? (list.items as unknown[]) : [content];
}

function check(content: unknown, index: number): ManifestObject {
  const where = `manifest[${index}]`;
  if (typeof content !== "object" || content === null || Array.isArray(content)) throw invalid(where, `document ${index + 1} is no object`);
  const object = content as Record<string, unknown>;
  for (const field of ["apiVersion", "kind"]) {
    if (typeof object[field] !== "string" || object[field] === "") throw invalid(`${where}.${field}`, `document ${index + 1}: ${field} is not set`);
  }
  const metadata = (object["metadata"] ?? {}) as Record<string, unknown>;
  if (typeof metadata["name"] !== "string" && typeof metadata["generateName"] !== "string") {
    throw invalid(`${where}.metadata.name`, `document ${index + 1}: metadata.name or metadata.generateName is required`);
  }
  return { ...object, metadata } as ManifestObject;
}

function invalid(field: string, message: string): RpcError {
  return RpcError.invalidArgument(message, { field, description: message });
}
