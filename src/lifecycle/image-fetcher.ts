import { setMaxListeners } from "node:events";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { Image, ImagePhase } from "../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { nameOf, objectKey } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { apiVersionOf, images as imageType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { IMAGE_MANAGER } from "./image-controller.js";
import { chainIdOf, imageDiskOf, parseImageReference } from "./image-reference.js";

/** How long the registry and the wire take, milliseconds of emulated time. */
export interface ImageDurations {
  readonly imageResolveMs: number;
  readonly imageFetchMs: number;
}

export interface ImageFetcherOptions {
  readonly client: ApiClient;
  readonly images: Pick<ObjectStore<Image>, "get" | "list">;
  readonly events: Pick<EventRecorder, "record">;
  readonly durations: ImageDurations;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/** Images on their way at the same time: each would be a fetcher VM. */
const FETCHERS = 16;

/**
 * Takes Image objects from Resolving over Fetching to Ready, as the fetchers of a Supervisor do. The layers of one ChainID
 * are fetched once for the whole cluster: an image whose disk is there is Ready at once.
 */
export class ImageFetcher {
  readonly #options: ImageFetcherOptions;
  readonly #queue: WorkQueue;
  readonly #abort = new AbortController();
  /** Image disks in the cluster's cache, with their names. */
  readonly #cached = new Set<string>();

  constructor(options: ImageFetcherOptions) {
    this.#options = options;
    // One for each worker that waits.
    setMaxListeners(FETCHERS + 1, this.#abort.signal);
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "image fetch", workers: FETCHERS, work: (key) => this.#work(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** An image changed. */
  imageChanged(image: Image): void {
    if (image.status?.phase === "Ready" && image.status.imageDisk !== undefined) this.#cached.add(image.status.imageDisk);
    else this.#queue.add(objectKey(image));
  }

  close(): Promise<void> {
    this.#abort.abort();
    return this.#queue.close();
  }

  async #work(key: string): Promise<void> {
    const { images, clock, durations, events } = this.#options;
    const image = images.get(key);
    if (image === undefined || image.status?.phase === "Ready") return;
    const reference = parseImageReference(image.spec.reference);
    if (reference === undefined) return;
    const chainID = chainIdOf(reference);
    const imageDisk = imageDiskOf(chainID);
    const say = (reason: string, message: string): void => events.record(image, "Normal", reason, message, { apiVersion: apiVersionOf(imageType), kind: imageType.kind });
    try {
      if (!this.#cached.has(imageDisk) && image.status?.imageDisk === undefined && durations.imageResolveMs > 0) {
        say("Status", "Image status changed to Resolving");
        if (!(await this.#write(image, { phase: "Resolving" }))) return;
        await clock.sleep(durations.imageResolveMs, this.#abort.signal);
        say("Resolve", `Image resolved to ChainID ${chainID}`);
      }
      if (!this.#cached.has(imageDisk) && durations.imageFetchMs > 0) {
        if (image.status?.imageDisk === undefined) say("Bind", `Imagedisk ${imageDisk} successfully bound`);
        say("Status", "Image status changed to Fetching");
        if (!(await this.#write(image, { phase: "Fetching", chainID, imageDisk }))) return;
        await clock.sleep(durations.imageFetchMs, this.#abort.signal);
      }
      this.#cached.add(imageDisk);
      if (!(await this.#write(image, { phase: "Ready", chainID, imageDisk }))) return;
      say("Status", "Image status changed to Ready");
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  /** False when the image is gone. */
  async #write(image: Image, status: { readonly phase: ImagePhase; readonly chainID?: string; readonly imageDisk?: string }): Promise<boolean> {
    const body = { metadata: { uid: image.metadata.uid }, status };
    try {
      await this.#options.client.patch(imageType, nameOf(image), { type: "merge", body }, { fieldManager: IMAGE_MANAGER, subresource: "status" });
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return false;
      throw error;
    }
  }
}
