import { hostPathRule, unsupportedOnHost, unsupportedPlacement, unsupportedVolumes } from "../../../kubernetes/unsupported-fields.js";
import type { Pod } from "../../../kubernetes/pod.js";
import type { FilterPlugin } from "../plugin.js";

/**
 * What a pod asks for that cannot be honoured yet. Such a pod waits with a message that names the field; a constraint is never
 * dropped in silence.
 */
export const unsupportedConstraints: FilterPlugin = {
  name: "UnsupportedConstraints",
  preFilter: ({ spec }: Pod) => [...unsupportedPlacement(spec), ...unsupportedOnHost(spec), ...unsupportedVolumes(spec)].map(refusal),
  filter: () => [],
  wouldPassIf: () => [],
  // Nothing in the cluster makes the field supported; a change of the pod itself brings it back to the queue anyway.
  helps: () => false,
};

function refusal(field: string): string {
  return field.endsWith(".hostPath") ? `${field}: ${hostPathRule}` : `${field} is not supported by this scheduler yet`;
}
