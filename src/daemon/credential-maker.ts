import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { CertificateAuthority, serverAddresses, serverNames } from "../rpc/certificates.js";
import { grpcClientName } from "../rpc/tls.js";
import { grpcServerName, type HostCertificates, kubeletName, nodeName, required, users } from "./credentials.js";
import { hostName, type Inventory } from "./inventory.js";

/** Makes the authority, the certificates of every user and host, and the kubeconfig, where they are missing. */
export async function makeCredentials(dataDir: string, inventory: Inventory, options: { readonly tls: boolean }, apiserver: string): Promise<void> {
  const authority = await CertificateAuthority.open(dataDir);
  const server = { dnsNames: [...serverNames, "kubernetes", "kubernetes.default", "kubernetes.default.svc"], ipAddresses: serverAddresses };
  await authority.stored("apiserver", { commonName: "kube-apiserver", ...server, usages: ["server"] });
  for (const { stored, commonName, organizations } of users) await authority.stored(stored, { commonName, organizations, usages: ["client"] });
  for (const host of inventory.hosts) await storeHostCertificates(authority, host.name);
  if (options.tls) {
    await authority.stored(grpcServerName, { commonName: "spheresim", ...server, usages: ["server", "client"] });
    await authority.stored(grpcClientName, { commonName: "spheresim-client", usages: ["client"] });
  } else {
    for (const name of [grpcServerName, grpcClientName]) authority.forget(name);
  }
  writeKubeconfig(dataDir, apiserver);
}

/** The certificates of one host, made where they are missing or end soon; the caller sees to it that nobody else makes them at the same time. */
export async function makeHostCertificates(dataDir: string, host: string): Promise<HostCertificates> {
  // The name becomes part of a file's.
  if (!hostName.test(host)) throw new Error(`"${host}" is no name of a host`);
  return storeHostCertificates(await CertificateAuthority.open(dataDir), host);
}

async function storeHostCertificates(authority: CertificateAuthority, host: string): Promise<HostCertificates> {
  return {
    node: await authority.stored(nodeName(host), { commonName: `system:node:${host}`, organizations: ["system:nodes"], usages: ["client"] }),
    kubelet: await authority.stored(kubeletName(host), { commonName: host, organizations: ["VMware, Inc"], dnsNames: [host, "localhost"], ipAddresses: serverAddresses, usages: ["server"] }),
  };
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
