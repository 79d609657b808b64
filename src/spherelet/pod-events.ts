import type { ContainerStatus, PodContainers } from "../gen/spheresim/crx/v1/agent.js";
import type { EventType } from "../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Pod } from "../kubernetes/pod.js";
import { deadlineExceeded } from "./active-deadline.js";
import type { ContainerConfigError } from "./start-request.js";
import type { MountError } from "./config-error.js";
import { imageObjectsOf } from "./pod-annotations.js";

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

  mounted(pod: Pod): void {
    for (const volume of pod.spec.volumes ?? []) this.#say(pod, "Normal", "SuccessfulMountVolume", `Successfully mounted volume ${volume.name}`);
  }

  /** Created, Started and BackOff, as far as the containers changed since `before`. */
  containersChanged(pod: Pod, before: PodContainers | undefined, now: PodContainers): void {
    const known = new Map([...(before?.initContainers ?? []), ...(before?.containers ?? [])].map((status) => [status.name, status]));
    for (const status of [...now.initContainers, ...now.containers]) this.#containerChanged(pod, known.get(status.name), status);
  }

  #containerChanged(pod: Pod, before: ContainerStatus | undefined, now: ContainerStatus): void {
    const { name } = now;
    if (now.containerId !== "" && now.containerId !== before?.containerId) {
      this.#say(pod, "Normal", "Created", `Created container ${name}`, name);
      this.#say(pod, "Normal", "Started", `Started container ${name}`, name);
    }
    if (backsOff(now) && !backsOff(before)) {
      const { name: podName, namespace, uid } = pod.metadata;
      this.#say(pod, "Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${podName}_${namespace}(${uid})`, name);
    }
  }

  killing(pod: Pod, containers: PodContainers | undefined): void {
    for (const status of containers?.containers ?? []) {
      if (status.state?.$case === "running") this.#say(pod, "Normal", "Killing", `Stopping container ${status.name}`, status.name);
    }
  }

  notAdmitted(pod: Pod, reason: string, message: string): void {
    this.#say(pod, "Warning", reason, message);
  }

  deadlineExceeded(pod: Pod): void {
    this.#say(pod, "Normal", deadlineExceeded.reason, deadlineExceeded.message);
  }

  mountFailed(pod: Pod, error: MountError): void {
    this.#say(pod, "Warning", "FailedMount", `MountVolume.SetUp failed for volume "${error.volume}" : ${error.message}`);
  }

  configFailed(pod: Pod, error: ContainerConfigError): void {
    if (error.reason === "InvalidImageName") this.#say(pod, "Warning", "InspectFailed", error.message, error.container);
    else this.#say(pod, "Warning", "Failed", `Error: ${error.message}`, error.container);
  }

  sandboxFailed(pod: Pod, message: string): void {
    this.#say(pod, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${message}`);
  }

  #say(pod: Pod, type: EventType, reason: string, message: string, container?: string): void {
    const fieldPath = container === undefined ? undefined : fieldPathOf(pod, container);
    this.#recorder.record(pod, type, reason, message, { apiVersion: "v1", kind: "Pod", ...(fieldPath === undefined ? {} : { fieldPath }) });
  }
}

function backsOff(status: ContainerStatus | undefined): boolean {
  return status?.state?.$case === "waiting" && status.state.value.reason === "CrashLoopBackOff";
}

function fieldPathOf(pod: Pod, container: string): string {
  const isInit = pod.spec.initContainers?.some((each) => each.name === container) ?? false;
  return `spec.${isInit ? "initContainers" : "containers"}{${container}}`;
}
