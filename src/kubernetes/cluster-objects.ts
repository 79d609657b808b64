import type { Condition } from "./condition.js";
import type { KubernetesObject } from "./object-meta.js";

/** `core/v1 Namespace`: on a Supervisor each is a resource pool. */
export interface Namespace extends KubernetesObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: "Active" | "Terminating"; readonly conditions?: readonly Condition[] };
}

/** `core/v1 ServiceAccount`. */
export type ServiceAccount = KubernetesObject;

/** `core/v1 ConfigMap`. */
export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  /** Base64. */
  readonly binaryData?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** `core/v1 Secret`; values of `data` are base64. */
export interface Secret extends KubernetesObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** `core/v1 Service`, as far as environment variables and selectors need it. */
export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly targetPort?: number | string; readonly protocol?: string }[];
  };
}

/** `coordination.k8s.io/v1 Lease`: a node's heartbeat in `kube-node-lease`, renewed every 10 s. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    /** MicroTime. */
    readonly acquireTime?: string;
    /** MicroTime. */
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** `core/v1 ObjectReference`. */
export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

export type EventType = "Normal" | "Warning";

/** `core/v1 Event`. */
export interface Event extends KubernetesObject {
  readonly involvedObject: ObjectReference;
  readonly type?: EventType;
  readonly reason?: string;
  readonly message?: string;
  readonly source?: { readonly component?: string; readonly host?: string };
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  /** MicroTime; set by the events.k8s.io way of recording. */
  readonly eventTime?: string | null;
  readonly count?: number;
  readonly action?: string;
  readonly reportingComponent?: string;
  readonly reportingInstance?: string;
}

/** `core/v1 Binding`: the body of `POST pods/{name}/binding`. With `metadata.uid` a re-created pod answers 409. */
export interface Binding {
  readonly apiVersion: "v1";
  readonly kind: "Binding";
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid?: string };
  readonly target: { readonly apiVersion?: string; readonly kind: "Node"; readonly name: string };
}

export type ImagePhase = "Resolving" | "Fetching" | "Ready" | "Failed";

/** `imagecontroller.vmware.com/v1 Image`: one image in the cluster's shared image cache, named `<repo>-<40 hex>-v<N>`. */
export interface Image extends KubernetesObject {
  readonly spec: {
    /** The reference as the pod names it. */
    readonly reference: string;
    readonly pullSecrets?: readonly string[];
  };
  readonly status?: {
    readonly phase?: ImagePhase;
    /** `sha256:` and 64 hex digits. */
    readonly chainID?: string;
    /** `<64 hex>-v0`: the disk shared by all images of that chain. */
    readonly imageDisk?: string;
    /** Why the last try failed: `Failed to resolve on node HOST. Reason: ...`; stays while it is tried again. */
    readonly message?: string;
    /** Tries that failed since it was last Ready. */
    readonly failures?: number;
    /** RFC 3339, when the last of them did. */
    readonly lastFailureTime?: string;
  };
}

/**
 * `imagecontroller.vmware.com/v1 ImageDisk`: layers in the cluster's shared image cache, named `<64 hex>-v0`. As long as it is there nobody
 * fetches them again.
 */
export interface ImageDisk extends KubernetesObject {
  readonly spec: {
    /** `sha256:` and 64 hex digits. */
    readonly chainID: string;
  };
}
