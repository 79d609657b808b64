import type { Draft } from "../../../src/kubernetes/object-meta.js";
import { isConditionTrue } from "../../../src/kubernetes/condition.js";
import type { Pod } from "../../../src/kubernetes/pod.js";

/** A small web server's pod. */
export function webPod(name: string): Draft<Pod> {
  return { metadata: { name, namespace: "default" }, spec: { containers: [{ name: "app", image: "nginx", resources: { requests: { cpu: "50m", memory: "64Mi" } } }] } };
}

export function isReady(pod: Pod): boolean {
  return isConditionTrue(pod.status?.conditions, "Ready");
}

export function podNames(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}
