import { createHash } from "node:crypto";
import { apiVersionOf, bodyStructOf, type Kind } from "../kinds/kind.js";
import { structOf, type TypeRef } from "../schema/schema.js";
import { groupsOf } from "./documents.js";

function rootOf(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** `io.k8s.api.core.v1.PodSpec`: the schema's name as upstream has it. */
function schemaName(struct: string): string {
  const [group, name] = struct.split(".") as [string, string];
  if (group === "meta") return `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`;
  if (group === "image") return `com.vmware.imagecontroller.v1.${name}`;
  return `io.k8s.api.${group}.v1.${name}`;
}

/** One type as OpenAPI v3; `needed` collects the structs it refers to. */
function schemaOf(type: TypeRef, needed: Set<string>): object {
  switch (type.form) {
    case "string":
      return { type: "string" };
    case "int32":
    case "int64":
      return { type: "integer", format: type.form };
    case "bool":
      return { type: "boolean" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "quantity":
      return { oneOf: [{ type: "string" }, { type: "number" }] };
    case "time":
    case "microTime":
      return { type: "string", format: "date-time" };
    case "intOrString":
      return { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] };
    case "list":
      return { type: "array", items: schemaOf(type.element, needed) };
    case "map":
      return { type: "object", additionalProperties: schemaOf(type.value, needed) };
    case "struct":
      needed.add(type.struct);
      return { allOf: [{ $ref: `#/components/schemas/${schemaName(type.struct)}` }], default: {} };
    default:
      return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  }
}

function structSchemas(kinds: readonly Kind[]): Record<string, object> {
  const schemas: Record<string, object> = {};
  const needed = new Set<string>(kinds.map(bodyStructOf));
  for (const key of needed) {
    const kind = kinds.find((row) => bodyStructOf(row) === key);
    const own = kind ? { apiVersion: { type: "string" }, kind: { type: "string" } } : {};
    schemas[schemaName(key)] = {
      type: "object",
      properties: { ...own, ...Object.fromEntries([...structOf(key).fields.values()].map((field) => [field.name, schemaOf(field.type, needed)])) },
      ...(kind ? { "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: kind.kind }] } : {}),
    };
  }
  return schemas;
}

const PATCH_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => ({ name, in: "query", schema: { type: name === "force" ? "boolean" : "string", uniqueItems: true } }));

/** One group-version: for each kind a PATCH with `fieldValidation`, which is what kubectl looks for, and the schemas. */
export function openApiDocument(kinds: readonly Kind[]): object {
  const { group, version } = kinds[0]!;
  const paths = Object.fromEntries(
    kinds.map((kind) => [
      `/${rootOf(group, version)}${kind.namespaced ? "/namespaces/{namespace}" : ""}/${kind.resource}/{name}`,
      {
        patch: {
          operationId: `patch${kind.kind}`,
          parameters: PATCH_PARAMETERS,
          requestBody: { content: { "application/json-patch+json": { schema: {} } } },
          responses: { "200": { description: "OK" } },
          "x-kubernetes-action": "patch",
          "x-kubernetes-group-version-kind": { group: kind.group, version: kind.version, kind: kind.kind },
        },
      },
    ]),
  );
  return { openapi: "3.0.0", info: { title: "spheresim", version: apiVersionOf({ group, version }) }, paths, components: { schemas: structSchemas(kinds) } };
}

/** All documents by path, made once; the index names each with a hash of its content. */
export class OpenApi {
  readonly #documents = new Map<string, string>();
  readonly #index: string;

  constructor(kinds: readonly Kind[]) {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const row of groupsOf(kinds)) {
      const root = rootOf(row.group, row.version);
      const text = JSON.stringify(openApiDocument(row.kinds));
      this.#documents.set(root, text);
      paths[root] = { serverRelativeURL: `/openapi/v3/${root}?hash=${createHash("sha512").update(text).digest("hex").toUpperCase()}` };
    }
    this.#index = JSON.stringify({ paths });
  }

  /** The JSON text of `/openapi/v3` (path "") or of one group-version. */
  document(path: string): string | undefined {
    return path === "" ? this.#index : this.#documents.get(path);
  }
}
