import type { Column, Kind } from "../kinds/kind.js";
import type { ApiObject } from "../object.js";
import type { Stored } from "../storage/stored.js";

/** How much of each object a Table's rows carry (`includeObject`). */
export type IncludeObject = "None" | "Metadata" | "Object";

/** Metadata of a list answer. */
export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** The metadata alone (`meta.k8s.io/v1 PartialObjectMetadata`). */
export function partialMetadata(object: ApiObject): object {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

function definition({ name, type, format, description, priority }: Column): object {
  return { name, type, format: format ?? "", description, priority };
}

/** A `meta.k8s.io/v1 Table`; in a watch the columns come with the first event alone. */
export function tableOf(kind: Kind, objects: readonly Stored[], metadata: ListMetadata, include: IncludeObject, nowMs: number, withColumns = true): object {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: withColumns ? kind.columns.map(definition) : null,
    rows: objects.map(({ object }) => ({
      cells: kind.cells(object, nowMs),
      ...(include === "None" ? {} : { object: include === "Object" ? object : partialMetadata(object) }),
    })),
  };
}
