import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { CertificateAuthority, serverAddresses, serverNames } from "../rpc/certificates.js";
import { grpcClientName } from "../rpc/tls.js";
import { grpcServerName, kubeletName, nodeName, required, users } from "./credentials.js";
import type { Inventory } from "./inventory.js";

/** Makes the authority, the certificates of every user and host, and the kubeconfig, where they are missing. */
export async function makeCredentials(dataDir: string, inventory: Inventory, options: { readonly tls: boolean }, apiserver: string): Promise<void> {
  const authority = await CertificateAuthority.open(dataDir);
  const server = { dnsNames: [...serverNames, "kubernetes", "kubernetes.default", "kubernetes.default.svc"], ipAddresses: serverAddresses };
  await authority.stored("apiserver", { commonName: "kube-apiserver", ...server, usages: ["server"] });
  for (const { stored, commonName, organizations } of users) await authority.stored(stored, { commonName, organizations, usages: ["client"] });
  for (const host of inventory.hosts) {
    await authority.stored(nodeName(host.name), { commonName: `system:node:${host.name}`, organizations: ["system:nodes"], usages: ["client"] });
    await authority.stored(kubeletName(host.name), { commonName: host.name, organizations: ["VMware, Inc"], dnsNames: [host.name, "localhost"], ipAddresses: serverAddresses, usages: ["server"] });
  }
  if (options.tls) {
    await authority.stored(grpcServerName, { commonName: "spheresim", ...server, usages: ["server", "client"] });
    await authority.stored(grpcClientName, { commonName: "spheresim-client", usages: ["client"] });
  } else {
    for (const name of [grpcServerName, grpcClientName]) authority.forget(name);
  }
  writeKubeconfig(dataDir, apiserver);
}

/** A kubeconfig that carries its certificates inside, so that it can be copied. ~/.kube/config is never touched. */
function writeKubeconfig(dataDir: string, apiserver: string): void {
  const admin = required(dataDir, "admin");
  const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "spheresim", cluster: { server: `https://${apiserver}`, "certificate-authority-data": base64(admin.caPem) } }],
    users: [{ name: "admin", user: { "client-certificate-data": base64(admin.certPem), "client-key-data": base64(admin.keyPem) } }],
    contexts: [{ name: "spheresim", context: { cluster: "spheresim", user: "admin", namespace: "default" } }],
    "current-context": "spheresim",
  };
  writeFileSync(join(dataDir, "kubeconfig"), stringify(config), { mode: 0o600 });
}
