import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import { imageProfilesAnnotation } from "../../kubernetes/container-annotations.js";
import type { Pod } from "../../kubernetes/pod.js";

/** Which image profile each container runs by, for the pod's annotation; undefined while there is none or it stands already. */
export function imageProfilesNews(pod: Pod, containers: PodContainers | undefined): Readonly<Record<string, string>> | undefined {
  const asked = new Set([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name));
  const told = [...(containers?.initContainers ?? []), ...(containers?.containers ?? [])].filter(({ name, imageProfile }) => imageProfile !== "" && asked.has(name));
  if (told.length === 0) return undefined;
  const text = JSON.stringify(Object.fromEntries(told.map(({ name, imageProfile }) => [name, imageProfile])));
  return pod.metadata.annotations?.[imageProfilesAnnotation] === text ? undefined : { [imageProfilesAnnotation]: text };
}
