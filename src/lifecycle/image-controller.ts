import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { Image } from "../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { nameOf, nameOfKey, objectKey } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { images as imageType, pods as podType } from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from "../kubernetes/status.js";
import { allContainers, imageReferencesOf, podVmAnnotations } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { imageObjectName, parseImageReference } from "./image-reference.js";

export interface ImageControllerOptions {
  readonly client: ApiClient;
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly images: Pick<ObjectStore<Image>, "get">;
  readonly events: Pick<EventRecorder, "record">;
  readonly monotonic: Clock;
  readonly log: Logger;
}

export const IMAGE_MANAGER = "image-controller";
const WORKERS = 32;

/**
 * Gives every container of a pod its Image object and writes the map on the pod (annotation `vmware-system-image-references`)
 * as soon as all of them are Ready. Begins when the pod is stored, so it overlaps scheduling. A container
 * whose image name cannot be read is left out of the map: saying InvalidImageName is the Spherelet's part.
 */
export class ImageController {
  readonly #options: ImageControllerOptions;
  readonly #queue: WorkQueue;
  /** Pods by the image they wait for, both as keys. */
  readonly #waiting = new Map<string, Set<string>>();
  /** UIDs of pods written already and not yet seen so. */
  readonly #written = new Set<string>();
  /** Images made already and not yet seen, by key. */
  readonly #made = new Map<string, Promise<void>>();

  constructor(options: ImageControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "image references", workers: WORKERS, work: (key) => this.#work(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** A pod changed. */
  consider(key: string, pod: Pod): void {
    if (needsReferences(pod)) {
      if (!this.#written.has(pod.metadata.uid)) this.#queue.add(key);
    } else this.#written.delete(pod.metadata.uid);
  }

  /** A pod is gone. */
  forget(pod: Pod): void {
    this.#written.delete(pod.metadata.uid);
  }

  /** An image changed. */
  imageChanged(image: Image): void {
    const key = objectKey(image);
    this.#made.delete(key);
    if (!isBound(image)) return;
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const pod of waiting ?? []) this.#queue.add(pod);
  }

  /** An image was deleted: whoever still waits for it has it made again. */
  imageGone(image: Image): void {
    const key = objectKey(image);
    this.#made.delete(key);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const pod of waiting ?? []) this.#queue.add(pod);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #work(key: string): Promise<void> {
    const { pods, images } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || !needsReferences(pod) || this.#written.has(pod.metadata.uid)) return;
    const references: Record<string, string> = {};
    let unbound = 0;
    for (const container of allContainers(pod)) {
      const reference = parseImageReference(container.image ?? "");
      if (reference === undefined) continue;
      const name = imageObjectName(reference);
      references[container.name] = name;
      const imageKey = `${pod.metadata.namespace ?? ""}/${name}`;
      const image = images.get(imageKey);
      if (image !== undefined && isBound(image)) continue;
      unbound += 1;
      // Registered before the image is made, so that no change of it is missed.
      const waiting = this.#waiting.get(imageKey) ?? new Set();
      this.#waiting.set(imageKey, waiting.add(key));
      if (image === undefined) await this.#make(imageKey, container.image!, pod);
    }
    if (unbound > 0 && Object.values(references).some((name) => !this.#isBoundNow(pod, name))) return;
    await this.#write(pod, references);
  }

  #isBoundNow(pod: Pod, name: string): boolean {
    const image = this.#options.images.get(`${pod.metadata.namespace ?? ""}/${name}`);
    return image !== undefined && isBound(image);
  }

  /** One create per image, however many pods ask for it at the same time. */
  #make(imageKey: string, reference: string, pod: Pod): Promise<void> {
    const known = this.#made.get(imageKey);
    if (known !== undefined) return known;
    const { name, namespace } = nameOfKey(imageKey);
    const draft = {
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      spec: { reference, ...(pod.spec.imagePullSecrets === undefined ? {} : { pullSecrets: pod.spec.imagePullSecrets.map((secret) => secret.name) }) },
    };
    const making = this.#options.client
      .create(imageType, draft, { fieldManager: IMAGE_MANAGER })
      .then(
        () => undefined,
        (error: unknown) => {
          if (isAlreadyExists(error)) return;
          this.#made.delete(imageKey);
          if (!isNamespaceTerminating(error)) throw error;
        },
      );
    this.#made.set(imageKey, making);
    return making;
  }

  async #write(pod: Pod, references: Readonly<Record<string, string>>): Promise<void> {
    const { client, events } = this.#options;
    const { uid } = pod.metadata;
    this.#written.add(uid);
    const body = { metadata: { uid, annotations: { [podVmAnnotations.imageReferences]: JSON.stringify(references) } } };
    try {
      await client.patch(podType, nameOf(pod), { type: "merge", body }, { fieldManager: IMAGE_MANAGER });
    } catch (error) {
      this.#written.delete(uid);
      // Gone, or another pod of that name: its own change is on its way here.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    for (const name of new Set(Object.values(references))) {
      events.record(pod, "Normal", "Image", `Image ${name} bound successfully`, { apiVersion: "v1", kind: "Pod" });
    }
  }
}

function needsReferences(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && !isTerminal(pod) && imageReferencesOf(pod) === undefined;
}

/** Its layers are in the cache: measured on a real Supervisor, pods name an image from then on. */
function isBound(image: Image): boolean {
  return image.status?.phase === "Ready";
}
