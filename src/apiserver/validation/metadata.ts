import type { StatusCause } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import type { ApiObject, Metadata } from "../object.js";
import { forbiddenField, invalidValue, required, tooLong } from "./field-path.js";
import { labelComplaints, labelValueComplaints, qualifiedNameComplaints } from "./names.js";

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

/** Labels: keys are qualified names, values at most 63 plain characters. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): StatusCause[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedNameComplaints(key).map((complaint) => invalidValue(field, key, complaint)),
    ...labelValueComplaints(value).map((complaint) => invalidValue(field, value, complaint)),
  ]);
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, field: string): StatusCause[] {
  const entries = Object.entries(annotations ?? {});
  const causes = entries.flatMap(([key]) => qualifiedNameComplaints(key.toLowerCase()).map((complaint) => invalidValue(field, key, complaint)));
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > ANNOTATIONS_LIMIT_BYTES) causes.push(tooLong(field, ANNOTATIONS_LIMIT_BYTES));
  return causes;
}

function validateOwners(metadata: Metadata, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const owners = metadata.ownerReferences ?? [];
  owners.forEach((owner, index) => {
    const at = `${field}.ownerReferences[${index}]`;
    if (!owner.apiVersion) causes.push(invalidValue(`${at}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
    if (!owner.kind) causes.push(invalidValue(`${at}.kind`, owner.kind ?? "", "must not be empty"));
    if (!owner.name) causes.push(invalidValue(`${at}.name`, owner.name ?? "", "must not be empty"));
    if (!owner.uid) causes.push(invalidValue(`${at}.uid`, owner.uid ?? "", "must not be empty"));
  });
  const controllers = owners.filter((owner) => owner.controller);
  if (controllers.length > 1) {
    causes.push(
      invalidValue(`${field}.ownerReferences`, owners, `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]!.kind} ${controllers[0]!.name} and ${controllers[1]!.kind} ${controllers[1]!.name}`),
    );
  }
  return causes;
}

/** Rules of metadata that hold for every kind, at creation. */
export function validateMetadata(kind: Kind, object: ApiObject): StatusCause[] {
  const { metadata } = object;
  const causes: StatusCause[] = [];
  if (metadata.generateName) causes.push(...kind.nameComplaints(metadata.generateName, true).map((complaint) => invalidValue("metadata.generateName", metadata.generateName, complaint)));
  if (!metadata.name) causes.push(required("metadata.name", "name or generateName is required"));
  else causes.push(...kind.nameComplaints(metadata.name, false).map((complaint) => invalidValue("metadata.name", metadata.name, complaint)));
  if (kind.namespaced) {
    if (!metadata.namespace) causes.push(required("metadata.namespace"));
    else causes.push(...labelComplaints(metadata.namespace).map((complaint) => invalidValue("metadata.namespace", metadata.namespace, complaint)));
  } else if (metadata.namespace) causes.push(forbiddenField("metadata.namespace", "not allowed on this type"));
  causes.push(...validateLabels(metadata.labels, "metadata.labels"));
  causes.push(...validateAnnotations(metadata.annotations, "metadata.annotations"));
  causes.push(...validateOwners(metadata, "metadata"));
  (metadata.finalizers ?? []).forEach((finalizer) => {
    causes.push(...qualifiedNameComplaints(finalizer).map((complaint) => invalidValue("metadata.finalizers", finalizer, complaint)));
  });
  return causes;
}

/** What an update may not do to metadata. */
export function validateMetadataUpdate(object: ApiObject, old: ApiObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const { metadata } = object;
  if (old.metadata.deletionTimestamp) {
    const added = (metadata.finalizers ?? []).filter((finalizer) => !(old.metadata.finalizers ?? []).includes(finalizer));
    if (added.length > 0) causes.push(forbiddenField("metadata.finalizers", `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((text) => JSON.stringify(text)).join(", ")}}`));
  }
  causes.push(...validateLabels(metadata.labels, "metadata.labels"));
  causes.push(...validateAnnotations(metadata.annotations, "metadata.annotations"));
  causes.push(...validateOwners(metadata, "metadata"));
  return causes;
}

