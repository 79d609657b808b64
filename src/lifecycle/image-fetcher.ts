import { setMaxListeners } from "node:events";
import type { Clock, Timer } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { EventType, Image, ImageDisk, ImagePhase } from "../kubernetes/cluster-objects.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import type { Node } from "../kubernetes/node.js";
import { nameOf, objectKey } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { apiVersionOf, imageDisks as diskType, images as imageType } from "../kubernetes/resource-type.js";
import { isAlreadyExists, isConflict, isNotFound } from "../kubernetes/status.js";
import { formatTime, parseTime } from "../kubernetes/timestamp.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { fetcherHost } from "./fetcher-host.js";
import { IMAGE_MANAGER } from "./image-controller.js";
import { chainIdOf, imageDiskOf, type ImageReference, parseImageReference } from "./image-reference.js";
import { type ImageError, resolveError } from "./resolve-error.js";
import { SharedStages } from "./shared-stages.js";

/** How long the registry and the wire take, milliseconds of emulated time. */
export interface ImageDurations {
  readonly imageResolveMs: number;
  readonly imageFetchMs: number;
}

export interface ImageFetcherOptions {
  readonly client: ApiClient;
  readonly images: Pick<ObjectStore<Image>, "get" | "list">;
  readonly disks: Pick<ObjectStore<ImageDisk>, "get">;
  readonly nodes: Pick<ObjectStore<Node>, "list">;
  readonly events: Pick<EventRecorder, "record">;
  readonly durations: ImageDurations;
  /** Images that cannot be had, whoever asks. */
  readonly imageErrors: readonly ImageError[];
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly log: Logger;
}

/** Images on their way at the same time: each would be a fetcher VM. */
const FETCHERS = 16;
/** Between two tries of an image that failed, emulated: as a kubelet's image back-off, doubled from the first to the last. */
const RETRY_INITIAL_MS = 10_000;
const RETRY_MAX_MS = 300_000;
/** A cluster without hosts has nobody to fetch: looked at again after this. */
const NO_HOST_RETRY_MS = 1_000;

/** What a status write changes; `null` takes a field away. */
type StatusChange = { readonly [Field in keyof NonNullable<Image["status"]>]?: NonNullable<Image["status"]>[Field] | null } & { readonly phase: ImagePhase };

/**
 * Takes Image objects from Resolving over Fetching to Ready, as the fetchers of a Supervisor do. The layers of one ChainID
 * are fetched once for the whole cluster: an image whose disk is there is Ready at once, and two that are on their way go it together.
 * One that cannot be resolved is Failed and tried again after 10 s, 20 s ... 5 min; how often it failed stands on the object alone.
 */
export class ImageFetcher {
  readonly #options: ImageFetcherOptions;
  readonly #queue: WorkQueue;
  readonly #abort = new AbortController();
  /** Names of image disks stored already and not yet seen. */
  readonly #stored = new Set<string>();
  readonly #stages = new SharedStages();
  /** Next tries of images that failed, by key. */
  readonly #retries = new Map<string, Timer>();

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
    if (image.status?.phase === "Ready") this.#forgetRetry(objectKey(image));
    else this.#queue.add(objectKey(image));
  }

  /** A disk came to the cluster's cache, or went. */
  diskChanged(disk: ImageDisk): void {
    this.#stored.delete(disk.metadata.name);
  }

  /** An image was deleted. Its disk stays in the cache. */
  imageGone(image: Image): void {
    this.#forgetRetry(objectKey(image));
  }

  close(): Promise<void> {
    this.#abort.abort();
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    return this.#queue.close();
  }

  async #work(key: string): Promise<void> {
    const image = this.#options.images.get(key);
    if (image === undefined || image.status?.phase === "Ready") return;
    const reference = parseImageReference(image.spec.reference);
    if (reference === undefined || this.#mustWait(key, image, reference)) return;
    const host = fetcherHost(this.#options.nodes.list(), image);
    if (host === undefined) {
      this.#queue.addAfter(key, NO_HOST_RETRY_MS);
      return;
    }
    try {
      const resolved = await this.#resolve(image, reference, host);
      if (resolved !== undefined) await this.#fetch(resolved, reference);
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }

  /** The image as it is once its ChainID is known; undefined where it has none, or is gone. */
  async #resolve(image: Image, reference: ImageReference, host: string): Promise<Image | undefined> {
    const { clock, durations } = this.#options;
    if (image.status?.imageDisk !== undefined) return image;
    const chainID = chainIdOf(reference);
    const imageDisk = imageDiskOf(chainID);
    const why = resolveError(image, reference, this.#options.imageErrors);
    const isKnown = this.#isCached(imageDisk) && why === undefined;
    let now: Image | undefined = image;
    if (!isKnown) {
      this.#say(image, "Normal", "Status", `${host}: Image status changed to Resolving`);
      if (durations.imageResolveMs > 0) {
        now = await this.#write(now, { phase: "Resolving" });
        if (now === undefined) return undefined;
        const takeTime = (): Promise<void> => clock.sleep(durations.imageResolveMs, this.#abort.signal);
        await (why === undefined ? this.#stages.join(`resolve/${chainID}`, takeTime) : takeTime());
      }
    }
    if (why !== undefined) {
      await this.#fail(now, `Failed to resolve on node ${host}. Reason: ${why}`);
      return undefined;
    }
    this.#say(image, "Normal", "Resolve", `${host}: Image resolved to ChainID ${chainID}`);
    this.#say(image, "Normal", "Bind", `Imagedisk ${imageDisk} successfully bound`);
    return now;
  }

  async #fetch(image: Image, reference: ImageReference): Promise<void> {
    const { clock, durations } = this.#options;
    const chainID = chainIdOf(reference);
    const imageDisk = imageDiskOf(chainID);
    let now: Image | undefined = image;
    if (!this.#isCached(imageDisk)) {
      this.#say(image, "Normal", "Status", "Image status changed to Fetching");
      if (durations.imageFetchMs > 0) {
        now = await this.#write(now, { phase: "Fetching", chainID, imageDisk });
        if (now === undefined) return;
      }
      await this.#stages.join(`fetch/${imageDisk}`, async () => {
        if (durations.imageFetchMs > 0) await clock.sleep(durations.imageFetchMs, this.#abort.signal);
        await this.#store(imageDisk, chainID);
      });
    }
    const { message, failures, lastFailureTime } = image.status ?? {};
    const mended = { ...(message === undefined ? {} : { message: null }), ...(failures === undefined ? {} : { failures: null }), ...(lastFailureTime === undefined ? {} : { lastFailureTime: null }) };
    if ((await this.#write(now, { phase: "Ready", chainID, imageDisk, ...mended })) === undefined) return;
    this.#say(image, "Normal", "Status", "Image status changed to Ready");
  }

  #isCached(imageDisk: string): boolean {
    return this.#stored.has(imageDisk) || this.#options.disks.get(imageDisk) !== undefined;
  }

  async #store(imageDisk: string, chainID: string): Promise<void> {
    this.#stored.add(imageDisk);
    try {
      await this.#options.client.create(diskType, { metadata: { name: imageDisk }, spec: { chainID } }, { fieldManager: IMAGE_MANAGER });
    } catch (error) {
      this.#stored.delete(imageDisk);
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async #fail(image: Image, message: string): Promise<void> {
    const failures = (image.status?.failures ?? 0) + 1;
    const written = await this.#write(image, { phase: "Failed", message, failures, lastFailureTime: formatTime(this.#options.clock.nowMs()) });
    if (written === undefined) return;
    this.#say(image, "Warning", "Status", `Image status changed to Failed: ${message}`);
  }

  /** Whether the next try of an image that failed is still to come. One whose failure is over need not wait for it. */
  #mustWait(key: string, image: Image, reference: ImageReference): boolean {
    this.#forgetRetry(key);
    const { phase, failures = 1, lastFailureTime } = image.status ?? {};
    if (phase !== "Failed") return false;
    const { clock } = this.#options;
    const dueMs = (parseTime(lastFailureTime) ?? clock.nowMs()) + retryMs(failures);
    if (dueMs <= clock.nowMs() || this.#isOver(image, reference)) return false;
    this.#retries.set(key, clock.timer(dueMs - clock.nowMs(), () => this.#queue.add(key)));
    return true;
  }

  /** Whether the failure was taken back: nobody asks for it any more. One that only runs out is found out by trying. */
  #isOver(image: Image, reference: ImageReference): boolean {
    return resolveError({ ...image, status: { ...image.status, failures: 0 } }, reference, this.#options.imageErrors) === undefined;
  }

  #forgetRetry(key: string): void {
    this.#retries.get(key)?.cancel();
    this.#retries.delete(key);
  }

  #say(image: Image, type: EventType, reason: string, message: string): void {
    this.#options.events.record(image, type, reason, message, { apiVersion: apiVersionOf(imageType), kind: imageType.kind });
  }

  /** The image as written. Undefined when it is gone or has changed meanwhile: then its change brings it here again. */
  async #write(image: Image, status: StatusChange): Promise<Image | undefined> {
    const { uid, resourceVersion } = image.metadata;
    try {
      return await this.#options.client.patch(imageType, nameOf(image), { type: "merge", body: { metadata: { uid, resourceVersion }, status } }, { fieldManager: IMAGE_MANAGER, subresource: "status" });
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return undefined;
      throw error;
    }
  }
}

function retryMs(failures: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_INITIAL_MS * 2 ** Math.min(failures - 1, 20));
}
