import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Draft } from "../../src/kubernetes/object-meta.js";
import type { Node } from "../../src/kubernetes/node.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import type { Taint } from "../../src/kubernetes/taint.js";
import { manifestPath } from "./manifests.js";

/** A Ready node of 16 cores, 64 GiB and 110 pods, unless told otherwise. */
export function aNode(name: string, options: { readonly labels?: Record<string, string>; readonly taints?: readonly Taint[]; readonly unschedulable?: boolean; readonly allocatable?: Record<string, string> } = {}): Draft<Node> {
  const allocatable = { cpu: "16", memory: "64Gi", pods: "110", ...options.allocatable };
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...options.labels } },
    spec: { ...(options.taints === undefined ? {} : { taints: options.taints }), ...(options.unschedulable === undefined ? {} : { unschedulable: options.unschedulable }) },
    status: { capacity: allocatable, allocatable, conditions: [{ type: "Ready", status: "True" }] },
  };
}

/** A pod of one container with these requests. */
export function aPod(name: string, requests: Record<string, string> = {}, spec: Partial<PodSpec> = {}): Draft<Pod> {
  return { metadata: { namespace: "default", name }, spec: { containers: [{ name: "main", image: "app", resources: { requests } }], ...spec } };
}

/** The pod of one manifest, or undefined where the manifests are not at hand. */
export function manifest(path: string): Draft<Pod> | undefined {
  const file = manifestPath(path);
  if (file === undefined) return undefined;
  const object = parse(readFileSync(file, "utf8")) as Draft<Pod>;
  return { ...object, metadata: { namespace: "default", ...object.metadata } };
}
