import type { Condition } from "./condition.js";
import { isConditionTrue } from "./condition.js";
import type { Container, ContainerStatus, ResourceList, ResourceRequirements } from "./container.js";
import type { LabelSelector } from "./label-selector.js";
import type { NodeAffinity } from "./node-affinity.js";
import type { KubernetesObject, ObjectMeta } from "./object-meta.js";
import type { Toleration } from "./taint.js";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** `core/v1 Pod`. */
export interface Pod extends KubernetesObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

/** `core/v1 PodSpec`: every field that asks for a placement is here, also those the scheduler can only refuse. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  readonly terminationGracePeriodSeconds?: number;
  readonly activeDeadlineSeconds?: number;
  readonly dnsPolicy?: string;
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: Affinity;
  readonly tolerations?: readonly Toleration[];
  readonly topologySpreadConstraints?: readonly TopologySpreadConstraint[];
  readonly schedulingGates?: readonly { readonly name: string }[];
  readonly schedulerName?: string;
  readonly priorityClassName?: string;
  readonly priority?: number;
  readonly preemptionPolicy?: "PreemptLowerPriority" | "Never";
  readonly runtimeClassName?: string;
  readonly overhead?: ResourceList;
  /** Pod-level resources (Kubernetes 1.34 on; dropped by an API server with the gate off). */
  readonly resources?: ResourceRequirements;
  readonly resourceClaims?: readonly { readonly name: string; readonly resourceClaimName?: string; readonly resourceClaimTemplateName?: string }[];
  readonly securityContext?: { readonly runAsUser?: number; readonly runAsNonRoot?: boolean };
  readonly readinessGates?: readonly { readonly conditionType: string }[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  /** False asks for a user namespace of the pod's own. */
  readonly hostUsers?: boolean;
  readonly os?: { readonly name: string };
  readonly shareProcessNamespace?: boolean;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

/** `core/v1 PodStatus`. */
export interface PodStatus {
  readonly phase?: PodPhase;
  readonly conditions?: readonly Condition[];
  readonly reason?: string;
  readonly message?: string;
  readonly nominatedNodeName?: string;
  readonly hostIP?: string;
  readonly hostIPs?: readonly { readonly ip: string }[];
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime?: string;
  readonly qosClass?: QosClass;
  readonly observedGeneration?: number;
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}

export interface Affinity {
  readonly nodeAffinity?: NodeAffinity;
  readonly podAffinity?: PodAffinity;
  readonly podAntiAffinity?: PodAffinity;
}

/** Both `PodAffinity` and `PodAntiAffinity`: their shape is the same. */
export interface PodAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodAffinityTerm[];
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[];
}

export interface PodAffinityTerm {
  readonly topologyKey: string;
  readonly labelSelector?: LabelSelector;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

export interface TopologySpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
  readonly labelSelector?: LabelSelector;
  readonly minDomains?: number;
  readonly nodeAffinityPolicy?: "Honor" | "Ignore";
  readonly nodeTaintsPolicy?: "Honor" | "Ignore";
  readonly matchLabelKeys?: readonly string[];
}

/** A volume; the sources spheresim does not read are known to `volumeSource` by name alone. */
export interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string };
  readonly configMap?: ConfigMapSource;
  readonly secret?: SecretSource;
  readonly downwardAPI?: { readonly items?: readonly DownwardItem[]; readonly defaultMode?: number };
  readonly projected?: {
    readonly defaultMode?: number;
    readonly sources?: readonly {
      readonly configMap?: ConfigMapSource;
      readonly secret?: SecretSource;
      readonly downwardAPI?: { readonly items?: readonly DownwardItem[] };
      readonly serviceAccountToken?: { readonly path: string; readonly audience?: string; readonly expirationSeconds?: number };
    }[];
  };
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
}

export interface ConfigMapSource {
  readonly name?: string;
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  readonly optional?: boolean;
  readonly defaultMode?: number;
}

export interface SecretSource {
  readonly secretName?: string;
  readonly name?: string;
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  readonly optional?: boolean;
  readonly defaultMode?: number;
}

export interface DownwardItem {
  readonly path: string;
  readonly fieldRef?: { readonly apiVersion?: string; readonly fieldPath: string };
  readonly resourceFieldRef?: { readonly containerName?: string; readonly resource: string; readonly divisor?: string };
  readonly mode?: number;
}

/** `core/v1 PodTemplateSpec`. */
export interface PodTemplate {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec: PodSpec;
}


/** The name of a volume's source field (`emptyDir`, `nfs` ...). A volume without one is an `emptyDir`, as in Kubernetes. */
export function volumeSource(volume: Volume): string {
  return Object.keys(volume).find((field) => field !== "name") ?? "emptyDir";
}

/** Whether the pod has ended for good: its resources no longer count. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Whether the pod is Ready and not on its way out. */
export function isPodReady(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && isConditionTrue(pod.status?.conditions, "Ready");
}

/** Whether the pod still counts for its ReplicaSet: neither ended nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** The priority the scheduler queue sorts by; 0 where none was admitted. */
export function podPriority(pod: Pod): number {
  return pod.spec.priority ?? 0;
}
