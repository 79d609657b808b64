import { namespaceKind } from "./kinds/namespace.js";
import { priorityClassKind, SYSTEM_CLASSES } from "./kinds/priority-class.js";
import { serviceAccountKind } from "./kinds/service-account.js";
import { serviceKind } from "./kinds/service.js";
import type { Kind } from "./kinds/kind.js";
import { StatusError } from "./errors.js";
import type { Registry } from "./registry.js";
import type { WriteOptions } from "./request.js";
import { createObject } from "./rest/create.js";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

const OPTIONS: WriteOptions = {
  caller: { name: "system:apiserver", groups: ["system:masters"] },
  fieldManager: "kube-apiserver",
  dryRun: false,
  fieldValidation: "Ignore",
  force: false,
  warn: () => undefined,
};

async function ensure(registry: Registry, kind: Kind, namespace: string, apiVersion: string, name: string, rest: object): Promise<void> {
  if (await registry.find(kind, namespace, name)) return;
  const body = { apiVersion, kind: kind.kind, metadata: { name, ...("labels" in rest ? { labels: rest.labels as Record<string, string> } : {}) }, ...rest };
  delete (body as { labels?: unknown }).labels;
  await createObject(registry, kind, namespace, body, OPTIONS).catch((error: unknown) => {
    // Another API server on the same store was quicker.
    if (!(error instanceof StatusError) || error.reason !== "AlreadyExists") throw error;
  });
}

/** What every cluster has from the start: namespaces with their account, the system's priority classes, Service kubernetes. */
export async function bootstrap(registry: Registry): Promise<void> {
  for (const name of NAMESPACES) {
    await ensure(registry, namespaceKind, "", "v1", name, {});
    await ensure(registry, serviceAccountKind, name, "v1", "default", {});
  }
  for (const { name, value, description } of SYSTEM_CLASSES) await ensure(registry, priorityClassKind, "", "scheduling.k8s.io/v1", name, { value, description });
  await ensure(registry, serviceKind, "default", "v1", "kubernetes", {
    labels: { component: "apiserver", provider: "kubernetes" },
    spec: { clusterIP: "10.96.0.1", type: "ClusterIP", ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: 6443 }] },
  });
}
