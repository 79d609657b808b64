import { formatLabelSelector, type LabelSelector, requirementsOf } from "../../kubernetes/label-selector.js";
import { invalid } from "../errors.js";
import type { Kind } from "../kinds/kind.js";
import { type ApiObject, cloneObject } from "../object.js";
import type { Registry } from "../registry.js";
import type { WriteOptions } from "../request.js";
import type { Stored } from "../storage/stored.js";
import { invalidValue } from "../validation/field-path.js";
import { editObject } from "./update.js";

/** How a Deployment or ReplicaSet looks through its scale subresource (autoscaling/v1 Scale). */
export function scaleOf(object: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}), ...(creationTimestamp ? { creationTimestamp } : {}) },
    spec: { replicas: object["spec"]?.replicas ?? 0 },
    status: { replicas: object["status"]?.replicas ?? 0, selector: formatLabelSelector(requirementsOf((object["spec"]?.selector ?? {}) as LabelSelector)) },
  };
}

/** Changes the replicas of a Deployment or ReplicaSet as its Scale, changed by `edit`, says. */
export async function editScale(registry: Registry, kind: Kind, namespace: string, name: string, edit: (scale: ApiObject) => ApiObject, options: WriteOptions): Promise<Stored> {
  const changed = await editObject(
    registry,
    kind,
    namespace,
    name,
    (current) => {
      const object = cloneObject(current);
      const scale = edit(scaleOf(object));
      const replicas = (scale["spec"]?.replicas ?? 0) as number;
      if (replicas < 0) throw invalid({ group: "autoscaling", kind: "Scale" }, name, [invalidValue("spec.replicas", replicas, "must be greater than or equal to 0")]);
      object["spec"].replicas = replicas;
      if (scale.metadata.resourceVersion) object.metadata.resourceVersion = scale.metadata.resourceVersion;
      if (scale.metadata.uid) object.metadata.uid = scale.metadata.uid;
      return object;
    },
    { ...options, subresource: "scale" },
  );
  return changed.stored;
}
