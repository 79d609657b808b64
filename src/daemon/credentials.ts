import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { TlsMaterial as RestTls } from "../kubernetes/http2-session.js";
import { CertificateAuthority, serverAddresses, serverNames } from "../rpc/certificates.js";
import { grpcClientName, readTlsMaterial, type TlsMaterial } from "../rpc/tls.js";
import type { Inventory } from "./inventory.js";
import type { PlanePlan } from "./plane-plan.js";

/** Kubernetes users that rooms and people are: name of the stored certificate, user, groups. */
const users = [
  { stored: "admin", commonName: "kubernetes-admin", organizations: ["system:masters"] },
  { stored: "scheduler", commonName: "system:kube-scheduler", organizations: ["system:masters"] },
  { stored: "controllers", commonName: "system:kube-controller-manager", organizations: ["system:masters"] },
  { stored: "lifecycle", commonName: "system:serviceaccount:vmware-system-lifecycle:default", organizations: ["system:masters"] },
  { stored: "spherelets", commonName: "spherelets", organizations: ["system:masters"] },
  { stored: "emulator", commonName: "spheresim-emulator", organizations: ["system:masters"] },
  { stored: "apiserver-kubelet-client", commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"] },
] as const;

/** Name of the certificate of a user. */
export type UserName = (typeof users)[number]["stored"];

const grpcServerName = "grpc-server";

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

function nodeName(host: string): string {
  return `node-${host}`;
}

function kubeletName(host: string): string {
  return `kubelet-${host}`;
}

function required(dataDir: string, name: string): TlsMaterial {
  const material = readTlsMaterial(dataDir, name);
  if (material === undefined) throw new Error(`certificate ${name} is missing below ${dataDir}`);
  return material;
}

/** Certificate of a Kubernetes user, as a REST client takes it. */
export function userTls(plan: PlanePlan, user: UserName): RestTls {
  const { caPem, certPem, keyPem } = required(plan.options.dataDir, user);
  return { ca: caPem, cert: certPem, key: keyPem };
}

/** Serving certificate of the API server. */
export function apiserverTls(plan: PlanePlan): TlsMaterial {
  return required(plan.options.dataDir, "apiserver");
}

/** Certificates of a Spherelet: as a client of the API server and as a server of the kubelet API. */
export function hostTls(plan: PlanePlan, host: string): { readonly node: TlsMaterial; readonly kubelet: TlsMaterial } {
  return { node: required(plan.options.dataDir, nodeName(host)), kubelet: required(plan.options.dataDir, kubeletName(host)) };
}

/** Mutual TLS of the gRPC ports, when asked for: every process is server and client. */
export function grpcTls(plan: PlanePlan): TlsMaterial | undefined {
  return plan.options.tls ? required(plan.options.dataDir, grpcServerName) : undefined;
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
