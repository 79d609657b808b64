import type { Node } from "../../kubernetes/node.js";
import type { Pod } from "../../kubernetes/pod.js";

/** `ExtenderArgs` of kube-scheduler's extender v1: `Nodes` when the extender caches no nodes, else `NodeNames`. */
export interface ExtenderArgs {
  readonly pod: Pod;
  readonly nodes: readonly Node[] | undefined;
  readonly nodeNames: readonly string[];
}

/** `ExtenderFilterResult`; its Go fields carry no JSON tags, so the keys are the Go names. */
export interface ExtenderFilterResult {
  readonly Nodes: { readonly metadata: object; readonly items: readonly Node[] } | null;
  readonly NodeNames: readonly string[] | null;
  readonly FailedNodes: Readonly<Record<string, string>>;
  readonly FailedAndUnresolvableNodes: Readonly<Record<string, string>>;
  readonly Error: string;
}

/** One entry of `HostPriorityList`; 0 to 10. */
export interface HostPriority {
  readonly Host: string;
  readonly Score: number;
}

/** `ExtenderBindingArgs`. */
export interface ExtenderBindingArgs {
  readonly podName: string;
  readonly podNamespace: string;
  readonly podUid: string;
  readonly node: string;
}

/** `ExtenderBindingResult`. */
export interface ExtenderBindingResult {
  readonly Error: string;
}

/** A body that is not what the verb takes; told as 400. */
export class BadExtenderBody extends Error {
  override readonly name = "BadExtenderBody";
}

/** Reads the body of `filter` and `prioritize`. Keys are matched without case, as Go decodes them. */
export function readExtenderArgs(body: unknown): ExtenderArgs {
  const fields = fieldsOf(body);
  const pod = fields.get("pod") as Pod | undefined;
  if (typeof pod?.metadata?.name !== "string" || typeof pod.metadata.uid !== "string" || !Array.isArray(pod.spec?.containers)) {
    throw new BadExtenderBody("Pod: must be a pod with metadata.name, metadata.uid and spec.containers");
  }
  const list = fields.get("nodes") as { readonly items?: readonly Node[] } | null | undefined;
  const names = fields.get("nodenames");
  if (Array.isArray(names)) return { pod, nodes: undefined, nodeNames: names.map(String) };
  if (list === undefined || list === null) throw new BadExtenderBody("Nodes or NodeNames: one of them must be there");
  const items = list.items ?? [];
  if (!Array.isArray(items) || items.some((node) => typeof node?.metadata?.name !== "string")) throw new BadExtenderBody("Nodes.items: must be nodes with metadata.name");
  return { pod, nodes: items, nodeNames: items.map((node) => node.metadata.name) };
}

/** Reads the body of `bind`. */
export function readBindingArgs(body: unknown): ExtenderBindingArgs {
  const fields = fieldsOf(body);
  const text = (key: string): string => {
    const value = fields.get(key.toLowerCase());
    if (typeof value !== "string" || value === "") throw new BadExtenderBody(`${key}: must be a text that is not empty`);
    return value;
  };
  return { podName: text("PodName"), podNamespace: text("PodNamespace"), podUid: text("PodUID"), node: text("Node") };
}

/** Writes the answer of `filter` in the form in which the nodes came. */
export function writeFilterResult(args: ExtenderArgs, left: readonly string[], failedNodes: Readonly<Record<string, string>>, error = ""): ExtenderFilterResult {
  const kept = new Set(left);
  const items = args.nodes?.filter((node) => kept.has(node.metadata.name));
  return {
    Nodes: items === undefined ? null : { metadata: {}, items },
    NodeNames: args.nodes === undefined ? args.nodeNames.filter((name) => kept.has(name)) : null,
    FailedNodes: failedNodes,
    FailedAndUnresolvableNodes: {},
    Error: error,
  };
}

function fieldsOf(body: unknown): ReadonlyMap<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new BadExtenderBody("the body must be a JSON object");
  return new Map(Object.entries(body).map(([key, value]) => [key.toLowerCase(), value]));
}
