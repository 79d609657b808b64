import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import type { TlsMaterial } from "../../rpc/tls.js";
import type { ApiObject } from "../object.js";

/** Connections to one kubelet; further requests wait for their turn. */
const MAX_CONNECTIONS = 8;
/** So long a kubelet may say nothing. */
const SILENCE_MS = 30_000;
/** Where a kubelet listens whose Node does not say. */
const USUAL_PORT = 10_250;
/** Which address of a Node is taken, as kubeadm sets kube-apiserver up. */
const ADDRESS_TYPES = ["InternalIP", "ExternalIP", "Hostname"];

/** Port of a node's kubelet. */
export function kubeletPort(node: ApiObject): number {
  return (node["status"]?.daemonEndpoints?.kubeletEndpoint?.Port as number | undefined) ?? USUAL_PORT;
}

/** The API server as a client of kubelets. */
export class KubeletClient {
  readonly #tls: TlsMaterial;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS });

  /** `tls`: its certificate as a client, and the authority that kubelets' certificates come from. */
  constructor(tls: TlsMaterial) {
    this.#tls = tls;
  }

  /** Asks the kubelet of a node; resolves with the head of its answer. */
  ask(node: ApiObject, call: { readonly method: string; readonly path: string; readonly headers: Record<string, string>; readonly signal: AbortSignal }): Promise<IncomingMessage> {
    const { caPem: ca, certPem: cert, keyPem: key } = this.#tls;
    const addresses = (node["status"]?.addresses ?? []) as readonly { readonly type: string; readonly address: string }[];
    const host = ADDRESS_TYPES.map((type) => addresses.find((each) => each.type === type)?.address).find((address) => address !== undefined);
    const port = kubeletPort(node);
    return new Promise((resolve, reject) => {
      if (host === undefined) {
        reject(new Error(`no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(" ")}]`));
        return;
      }
      // Its certificate must be the node's own.
      const asked = httpsRequest({ ...call, host, port, servername: node.metadata.name, ca, cert, key, agent: this.#agent, timeout: SILENCE_MS }, resolve);
      asked.on("timeout", () => asked.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
      asked.on("error", (error: NodeJS.ErrnoException) => reject(error.code === "ECONNREFUSED" ? new Error(`dial tcp ${host}:${port}: connect: connection refused`) : error));
      asked.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
