import { createHash } from "node:crypto";
import type { TlsMaterial as RestTls } from "../kubernetes/http2-session.js";
import { readTlsMaterial, type TlsMaterial } from "../rpc/tls.js";
import type { PlanePlan } from "./plane-plan.js";

/** Kubernetes users that rooms and people are: name of the stored certificate, user, groups. */
export const users = [
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

/** Name of the certificate of gRPC servers. */
export const grpcServerName = "grpc-server";

/** Certificates of a Spherelet: as a client of the API server and as a server of the kubelet API. */
export interface HostCertificates {
  readonly node: TlsMaterial;
  readonly kubelet: TlsMaterial;
}

/** Name of the certificate of a Spherelet as a client of the API server. */
export function nodeName(host: string): string {
  return `node-${fileNameOf(host)}`;
}

/** Name of the serving certificate of a host's kubelet API. */
export function kubeletName(host: string): string {
  return `kubelet-${fileNameOf(host)}`;
}

/** Names of files end at 255 bytes, suffixes included; a host may have 253. */
const LONGEST_NAME = 200;

function fileNameOf(host: string): string {
  return host.length <= LONGEST_NAME ? host : createHash("sha256").update(host).digest("hex");
}

/** A stored certificate that must be there. */
export function required(dataDir: string, name: string): TlsMaterial {
  const material = readTlsMaterial(dataDir, name);
  if (material === undefined) throw new Error(`certificate ${name} is missing below ${dataDir}`);
  return material;
}

/** The API server as a room reaches it, in a user's name. */
export function apiserverAccess(plan: PlanePlan, user: UserName): { readonly server: string; readonly tls: RestTls } {
  return { server: `https://${plan.addresses.apiserver}`, tls: userTls(plan, user) };
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

/** Certificate of the API server as a client of kubelets. */
export function apiserverKubeletTls(plan: PlanePlan): TlsMaterial {
  return required(plan.options.dataDir, "apiserver-kubelet-client");
}

/** Mutual TLS of the gRPC ports, when asked for: every process is server and client. */
export function grpcTls(plan: PlanePlan): TlsMaterial | undefined {
  return plan.options.tls ? required(plan.options.dataDir, grpcServerName) : undefined;
}
