import type { StatusCause } from "../errors.js";
import type { ApiObject } from "../object.js";
import { invalidValue } from "../validation/field-path.js";
import { ofPrefix, subdomainComplaints } from "../validation/names.js";
import type { Kind } from "./kind.js";
import { age, column, NAME_COLUMN, wideColumn } from "./object-columns.js";

function validate(object: ApiObject): StatusCause[] {
  const involved = object["involvedObject"]?.namespace ?? "";
  const { namespace } = object.metadata;
  if (involved === "" ? namespace === "default" || namespace === "kube-system" || namespace === "kube-node-lease" : involved === namespace) return [];
  if (involved === "" && object["eventTime"] === undefined && namespace !== undefined) return [];
  return [invalidValue("involvedObject.namespace", involved, "does not match event.namespace")];
}

function objectCell(object: ApiObject): string {
  const { kind = "", name = "" } = object["involvedObject"] ?? {};
  return `${String(kind).toLowerCase()}/${name}`;
}

function lastSeen(object: ApiObject, nowMs: number): string {
  const { series, count, lastTimestamp, firstTimestamp, eventTime } = object as { series?: { count?: number; lastObservedTime?: string }; count?: number; lastTimestamp?: string; firstTimestamp?: string; eventTime?: string };
  const first = firstTimestamp ?? eventTime;
  if (series) return `${age(series.lastObservedTime, nowMs)} (x${series.count ?? 0} over ${age(first, nowMs)})`;
  if ((count ?? 0) > 1) return `${age(lastTimestamp, nowMs)} (x${count} over ${age(first, nowMs)})`;
  return age(lastTimestamp ?? first, nowMs);
}

const involved =
  (field: string) =>
  (object: ApiObject): string =>
    object["involvedObject"]?.[field] ?? "";

/** `v1 Event`. Forgotten after an hour. */
export const eventKind: Kind = {
  group: "",
  version: "v1",
  resource: "events",
  singular: "event",
  kind: "Event",
  namespaced: true,
  shortNames: ["ev"],
  categories: [],
  prefix: "/registry/events/",
  struct: "core.Event",
  hasStatus: false,
  subresources: [],
  nameComplaints: ofPrefix(subdomainComplaints),
  fields: {
    "involvedObject.kind": involved("kind"),
    "involvedObject.namespace": involved("namespace"),
    "involvedObject.name": involved("name"),
    "involvedObject.uid": involved("uid"),
    "involvedObject.apiVersion": involved("apiVersion"),
    "involvedObject.resourceVersion": involved("resourceVersion"),
    "involvedObject.fieldPath": involved("fieldPath"),
    reason: (object) => object["reason"] ?? "",
    reportingComponent: (object) => object["reportingComponent"] ?? object["source"]?.component ?? "",
    source: (object) => object["source"]?.component ?? object["reportingComponent"] ?? "",
    type: (object) => object["type"] ?? "",
  },
  columns: [
    column("Last Seen", "string", "Time since the event was last seen"),
    column("Type", "string", "Type of this event (Normal, Warning), new types could be added in the future"),
    column("Reason", "string", "Why the object got into its state, in one word"),
    column("Object", "string", "The object this event is about"),
    wideColumn("Subobject", "string", "The part of the object this event is about"),
    wideColumn("Source", "string", "The component reporting this event"),
    column("Message", "string", "A human-readable description of the status of this operation."),
    wideColumn("First Seen", "string", "Time since the event was first seen"),
    wideColumn("Count", "string", "The number of times this event has occurred."),
    { ...NAME_COLUMN, priority: 1 },
  ],
  cells: (object, nowMs) => [
    lastSeen(object, nowMs),
    object["type"] ?? "",
    object["reason"] ?? "",
    objectCell(object),
    object["involvedObject"]?.fieldPath ?? "",
    [object["source"]?.component ?? object["reportingComponent"], object["source"]?.host].filter((part) => part !== undefined && part !== "").join(", "),
    String(object["message"] ?? "").trim(),
    age(object["firstTimestamp"] ?? object["eventTime"], nowMs),
    object["series"]?.count ?? object["count"] ?? 1,
    object.metadata.name,
  ],
  createOnUpdate: true,
  ttlSeconds: 3600,
  validate,
};

/** Names of fields that differ between core/v1 and events.k8s.io/v1, in that order. */
const RENAMED: readonly (readonly [string, string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

function renamed(object: ApiObject, from: 0 | 1, apiVersion: string): ApiObject {
  const result: ApiObject = { ...object, apiVersion };
  for (const pair of RENAMED) {
    const value = object[pair[from]];
    delete result[pair[from]];
    if (value !== undefined) result[pair[from === 0 ? 1 : 0]] = value;
  }
  return result;
}

/** `events.k8s.io/v1 Event`: the same stored events in the newer words. */
export const eventsGroupKind: Kind = {
  ...eventKind,
  group: "events.k8s.io",
  view: { struct: "events.Event", fromStored: (object) => renamed(object, 0, "events.k8s.io/v1"), toStored: (object) => renamed(object, 1, "v1") },
};
