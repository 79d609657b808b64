import type { ApiClient } from "../kubernetes/api-client.js";
import type { LabelRequirement } from "../kubernetes/label-selector.js";
import { matchesRequirements } from "../kubernetes/label-selector.js";
import type { KubernetesObject, OwnerReference } from "../kubernetes/object-meta.js";
import { controllerOf, isBeingDeleted, isControlledBy, nameOf } from "../kubernetes/object-meta.js";
import type { ResourceType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";

/** The reference a controller puts on what it makes. */
export function controllerReference(owner: KubernetesObject, apiVersion: string, kind: string): OwnerReference {
  return { apiVersion, kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true };
}

/**
 * The candidates that belong to `owner`: its own that still match are kept, its own that do not are released, matching
 * orphans are adopted. The API server judges both writes by uid, so a lost race costs nothing.
 */
export async function claim<T extends KubernetesObject>(options: {
  readonly client: ApiClient;
  readonly type: ResourceType<T>;
  readonly owner: KubernetesObject;
  readonly reference: OwnerReference;
  readonly selector: readonly LabelRequirement[];
  readonly candidates: readonly T[];
}): Promise<readonly T[]> {
  const { client, type, owner, reference, selector, candidates } = options;
  const claimed: T[] = [];
  for (const candidate of candidates) {
    const matches = matchesRequirements(selector, candidate.metadata.labels);
    const patchOwners = async (ownerReferences: readonly OwnerReference[]): Promise<T | undefined> => {
      const body = { metadata: { uid: candidate.metadata.uid, resourceVersion: candidate.metadata.resourceVersion, ownerReferences } };
      try {
        return await client.patch(type, nameOf(candidate), { type: "merge", body });
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return undefined;
        throw error;
      }
    };
    if (isControlledBy(candidate, owner)) {
      if (matches) claimed.push(candidate);
      else if (!isBeingDeleted(owner)) await patchOwners((candidate.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid));
    } else if (matches && controllerOf(candidate) === undefined && !isBeingDeleted(candidate) && !isBeingDeleted(owner)) {
      const adopted = await patchOwners([...(candidate.metadata.ownerReferences ?? []), reference]);
      if (adopted !== undefined) claimed.push(adopted);
    }
  }
  return claimed;
}
