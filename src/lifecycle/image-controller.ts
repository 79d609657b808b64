import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { Image } from "../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { type Draft, nameOf, objectKey } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { images as imageType, pods as podType } from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from "../kubernetes/status.js";
import { allContainers, imageReferencesOf, podVmAnnotations } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { askedAnew, failingPodOf, imageWanted } from "./image-wish.js";

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
 * as soon as each of them is Ready or has failed once: that a pod waits for an image that failed is the Spherelet's to say. Begins when the
 * pod is stored, so it overlaps scheduling. A container whose image name cannot be read is left out of the map: saying InvalidImageName
 * is the Spherelet's part, too.
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
  /** Keys of Images that pods have asked to fail, by the UID of the pod. */
  readonly #failing = new Map<string, Set<string>>();

  constructor(options: ImageControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "image references", workers: WORKERS, work: (key) => this.#work(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** A pod changed. */
  consider(key: string, pod: Pod): void {
    const { uid } = pod.metadata;
    if (needsReferences(pod)) {
      if (!this.#written.has(uid)) this.#queue.add(key);
      return;
    }
    this.#written.delete(uid);
    if (this.#failing.has(uid)) this.#queue.add(key);
  }

  /** A pod is gone. */
  forget(pod: Pod): void {
    this.#written.delete(pod.metadata.uid);
  }

  /** An image changed. */
  imageChanged(image: Image): void {
    const key = objectKey(image);
    this.#made.delete(key);
    const podUid = failingPodOf(image);
    if (podUid !== undefined) this.#failing.set(podUid, (this.#failing.get(podUid) ?? new Set()).add(key));
    if (isSettled(image)) this.#wake(key);
  }

  /** An image was deleted: whoever still waits for it has it made again. */
  imageGone(image: Image): void {
    const key = objectKey(image);
    this.#made.delete(key);
    const podUid = image.metadata.ownerReferences?.[0]?.uid ?? "";
    const failing = this.#failing.get(podUid);
    failing?.delete(key);
    if (failing?.size === 0) this.#failing.delete(podUid);
    this.#wake(key);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #wake(imageKey: string): void {
    const waiting = this.#waiting.get(imageKey);
    this.#waiting.delete(imageKey);
    for (const pod of waiting ?? []) this.#queue.add(pod);
  }

  async #work(key: string): Promise<void> {
    const { pods, images } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || this.#written.has(pod.metadata.uid)) return;
    if (!needsReferences(pod)) return this.#passOn(pod);
    const references: Record<string, string> = {};
    let isWaiting = false;
    for (const container of allContainers(pod)) {
      const wanted = imageWanted(pod, container);
      if (wanted === undefined) continue;
      const imageKey = `${pod.metadata.namespace ?? ""}/${wanted.metadata.name}`;
      references[container.name] = wanted.metadata.name!;
      if (this.#isSettledNow(imageKey)) continue;
      // Registered before the image is made, so that no change of it is missed.
      const waiting = this.#waiting.get(imageKey) ?? new Set();
      this.#waiting.set(imageKey, waiting.add(key));
      if (images.get(imageKey) === undefined) await this.#make(imageKey, wanted);
      isWaiting ||= !this.#isSettledNow(imageKey);
    }
    if (!isWaiting) await this.#write(pod, references);
  }

  #isSettledNow(imageKey: string): boolean {
    const image = this.#options.images.get(imageKey);
    return image !== undefined && isSettled(image);
  }

  /** One create per image, however many pods ask for it at the same time. */
  #make(imageKey: string, wanted: Draft<Image>): Promise<void> {
    const known = this.#made.get(imageKey);
    if (known !== undefined) return known;
    const making = this.#options.client
      .create(imageType, wanted, { fieldManager: IMAGE_MANAGER })
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

  /** What a pod says by now of failures that it has asked for goes to its Images: taken back, they are tried again at once. */
  async #passOn(pod: Pod): Promise<void> {
    const { client, images } = this.#options;
    const failing = this.#failing.get(pod.metadata.uid);
    if (failing === undefined) return;
    for (const [container, name] of Object.entries(imageReferencesOf(pod) ?? {})) {
      const image = images.get(`${pod.metadata.namespace ?? ""}/${name}`);
      if (image === undefined || !failing.has(objectKey(image))) continue;
      const annotations = askedAnew(pod, container, image);
      if (annotations === undefined) continue;
      const { uid, resourceVersion } = image.metadata;
      await client.patch(imageType, nameOf(image), { type: "merge", body: { metadata: { uid, resourceVersion, annotations } } }, { fieldManager: IMAGE_MANAGER });
    }
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

/** Its layers are in the cache (measured on a real Supervisor, pods name an image from then on), or it is known that they cannot be got. */
function isSettled(image: Image): boolean {
  return image.status?.phase === "Ready" || image.status?.phase === "Failed";
}
