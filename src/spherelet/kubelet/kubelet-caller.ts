import type { TLSSocket } from "node:tls";

/** Who asks a kubelet. */
export interface KubeletCaller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The name the API server has when it is a kubelet's client. */
const APISERVER = "kube-apiserver-kubelet-client";
const ADMINISTRATORS = "system:masters";

/** Verbs of the API by HTTP method; other methods have none. */
const verbs: Readonly<Record<string, string>> = { GET: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Subresources of `nodes` by the first part of a path; all others need `proxy`. */
const subresources: Readonly<Record<string, string>> = { stats: "stats", metrics: "metrics", logs: "log" };

/** The user of a client certificate of the cluster's authority: CN the name, O the groups. Undefined for a stranger; nobody is anonymous. */
export function callerOf(socket: Pick<TLSSocket, "authorized" | "getPeerCertificate">): KubeletCaller | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as unknown as Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  const [name] = list(subject?.["CN"]);
  return name === undefined || name === "" ? undefined : { name, groups: list(subject?.["O"]) };
}

/**
 * Why a caller may not ask this, in a kubelet's words; undefined when he may. A kubelet asks the API server with a SubjectAccessReview; roles do
 * not exist here, so that administrators and the API server may everything and nobody else anything.
 *
 * Worked example: `GET /stats/summary` of user `eve` is `Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[stats])`.
 */
export function forbiddenText({ name, groups }: KubeletCaller, method: string, path: string): string | undefined {
  if (groups.includes(ADMINISTRATORS) || name === APISERVER) return undefined;
  const subresource = subresources[path.split("/")[1] ?? ""] ?? "proxy";
  return `Forbidden (user=${name}, verb=${verbs[method] ?? ""}, resource=nodes, subresource(s)=[${subresource}])\n`;
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
