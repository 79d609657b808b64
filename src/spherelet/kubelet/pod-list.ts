import type { Pod } from "../../kubernetes/pod.js";

/** Pods in one part of an answer. */
const PODS_PER_PART = 20;

/** A PodList in parts, as a kubelet writes it: compact, and `null` where there are none. Items of a list carry no type of their own. */
export function* podList(pods: readonly Pod[]): Generator<string> {
  yield* listOf(pods.length, pods, ({ apiVersion: _, kind: __, ...item }) => item);
}

/** The pods that have containers that run, with what a container runtime knows of them: names, uid, images. */
export function* runningPodList(pods: readonly Pod[]): Generator<string> {
  const running = pods.filter((pod) => runningIn(pod).length > 0);
  yield* listOf(running.length, running, (pod) => {
    const { name, namespace, uid } = pod.metadata;
    const containers = runningIn(pod).map((status) => ({ name: status.name, image: status.image, resources: {} }));
    return { metadata: { name, namespace, uid, creationTimestamp: null }, spec: { containers }, status: {} };
  });
}

function* listOf(count: number, pods: readonly Pod[], item: (pod: Pod) => object): Generator<string> {
  yield `{"kind":"PodList","apiVersion":"v1","metadata":{},"items":${count === 0 ? "null" : "["}`;
  for (let index = 0; index < count; index += PODS_PER_PART) {
    const part = pods.slice(index, index + PODS_PER_PART).map((pod) => JSON.stringify(item(pod)));
    yield `${index === 0 ? "" : ","}${part.join(",")}`;
  }
  yield `${count === 0 ? "" : "]"}}\n`;
}

function runningIn({ status }: Pod): readonly { readonly name: string; readonly image?: string }[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].filter((each) => each.state?.running !== undefined);
}
