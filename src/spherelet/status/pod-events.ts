import type { PodContainers } from "../../gen/spheresim/crx/v1/agent.js";
import type { EventType } from "../../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../../kubernetes/event-recorder.js";
import type { Pod } from "../../kubernetes/pod.js";
import { deadlineExceeded } from "../pods/active-deadline.js";
import type { HeldReason } from "../spec/start-request.js";
import type { UnmountedVolumes } from "../spec/config-error.js";
import type { Trouble } from "./pod-status.js";
import { imageObjectsOf } from "../pods/pod-annotations.js";

/** What a kubelet tells of the pod and not of the container it happened to. */
const OF_THE_POD: ReadonlySet<string> = new Set(["LifecycleHTTPFallback"]);

/** The events of pods, in the words of a Spherelet (vsphere.md 1.4); their source is `kubelet`. */
export class PodEvents {
  readonly #recorder: Pick<EventRecorder, "record">;

  constructor(recorder: Pick<EventRecorder, "record">) {
    this.#recorder = recorder;
  }

  /** Begins to wait for the images; says nothing of containers whose image no controller has resolved. */
  pulling(pod: Pod): void {
    for (const [container, image] of imageObjectsOf(pod)) this.#say(pod, "Normal", "Pulling", `Waiting for Image ${pod.metadata.namespace}/${image}`, container);
  }

  pulled(pod: Pod): void {
    for (const [container, image] of imageObjectsOf(pod)) this.#say(pod, "Normal", "Pulled", `Image ${pod.metadata.namespace}/${image} is ready`, container);
  }

  /** What became of an image that cannot be fetched, for each container of it. */
  pullFailed(pod: Pod | undefined, image: string, said: readonly { readonly warning: boolean; readonly reason: string; readonly message: string }[]): void {
    if (pod === undefined) return;
    for (const [container, name] of imageObjectsOf(pod)) {
      if (name === image) for (const { warning, reason, message } of said) this.#say(pod, warning ? "Warning" : "Normal", reason, message, container);
    }
  }

  mounted(pod: Pod): void {
    for (const volume of pod.spec.volumes ?? []) this.#say(pod, "Normal", "SuccessfulMountVolume", `Successfully mounted volume ${volume.name}`);
  }

  /** What the agent had to tell since `before`; of containers that the pod does not have nothing is told. */
  containersChanged(pod: Pod, before: PodContainers | undefined, now: PodContainers): void {
    const toldTo = before?.events.at(-1)?.number ?? 0n;
    const asked = new Set([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name));
    for (const { number, container, warning, reason, message } of now.events) {
      if (number > toldTo && asked.has(container)) this.#say(pod, warning ? "Warning" : "Normal", reason, message, OF_THE_POD.has(reason) ? undefined : container);
    }
  }

  notAdmitted(pod: Pod, reason: string, message: string): void {
    this.#say(pod, "Warning", reason, message);
  }

  deadlineExceeded(pod: Pod): void {
    this.#say(pod, "Normal", deadlineExceeded.reason, deadlineExceeded.message);
  }

  /** The pod's VM lost its guest, or its guest hangs. */
  guestFailed(pod: Pod, { reason, message }: Pick<Trouble, "reason" | "message">): void {
    this.#say(pod, "Warning", reason, message);
  }

  mountFailed(pod: Pod, { failures }: UnmountedVolumes): void {
    for (const { volume, message } of failures) this.#say(pod, "Warning", "FailedMount", `MountVolume.SetUp failed for volume "${volume}" : ${message}`);
  }

  /** A container cannot be made. */
  held(pod: Pod, container: string, reason: HeldReason, message: string): void {
    if (reason !== "InvalidImageName") return this.#say(pod, "Warning", "Failed", `Error: ${message}`, container);
    this.#say(pod, "Warning", "InspectFailed", message, container);
    this.#say(pod, "Warning", "Failed", `Error: ${reason}`, container);
  }

  sandboxFailed(pod: Pod, message: string): void {
    this.#say(pod, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${message}`);
  }

  #say(pod: Pod, type: EventType, reason: string, message: string, container?: string): void {
    const fieldPath = container === undefined ? undefined : fieldPathOf(pod, container);
    this.#recorder.record(pod, type, reason, message, { apiVersion: "v1", kind: "Pod", ...(fieldPath === undefined ? {} : { fieldPath }) });
  }
}

function fieldPathOf(pod: Pod, container: string): string {
  const isInit = pod.spec.initContainers?.some((each) => each.name === container) ?? false;
  return `spec.${isInit ? "initContainers" : "containers"}{${container}}`;
}
