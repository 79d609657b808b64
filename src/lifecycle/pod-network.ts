import { setMaxListeners } from "node:events";
import type { Ipv4Range, MacRange } from "../base/address-range.js";
import type { Clock, Timer } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { Dice } from "../base/seeded-random.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import { annotationKey } from "../kubernetes/container-annotations.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { failureAnnotations, MAX_TIMES, timesOf } from "../kubernetes/failure-annotations.js";
import { nameOf, objectKey } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { isNetworkRealized, podVmAnnotations } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { NumberPool } from "./address-pool.js";

export interface PodNetworkOptions {
  readonly client: ApiClient;
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly events: Pick<EventRecorder, "record">;
  /** Range of the pods' addresses. */
  readonly addresses: Ipv4Range;
  readonly macs: MacRange;
  /** Milliseconds of emulated time a port takes. */
  readonly realizeMs: number;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

const WORKERS = 64;
const POD = { apiVersion: "v1", kind: "Pod" } as const;
/** All that NCP tells a pod of what went wrong; its log knows more. */
const GENERIC_ERROR = "Generic Error occurred during realizing network for Pod";
/** Between two tries of a pod whose network cannot be realized, emulated: doubled from the first to the last. */
const RETRY_INITIAL_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** An address without a prefix length is of a network of this size. */
const USUAL_PREFIX_LENGTH = 16;
const NETWORK_ERRORS = annotationKey(failureAnnotations.networkErrors);

interface Port {
  readonly ip: number;
  readonly mac: number;
}

/** A pod whose network could not be realized so far. */
interface Trouble {
  readonly failures: number;
  /** Calls the next try. */
  readonly timer: Timer;
  readonly dueMs: number;
  /** Waits for an address: one that comes free calls it before its time. */
  readonly lacksAddress: boolean;
}

/**
 * Stands for NCP, the network's controller: gives each pod a logical port (`attachment_id`), a MAC, no VLAN, and an address,
 * as soon as the pod is stored. Which addresses are taken stands on the pods alone: after a restart they are read from there.
 * A pod that gets none, because the range is used up or because its annotation asks for it, stays Pending and is tried again.
 */
export class PodNetwork {
  readonly #options: PodNetworkOptions;
  readonly #queue: WorkQueue;
  readonly #abort = new AbortController();
  readonly #ips: NumberPool;
  readonly #macs: NumberPool;
  readonly #ports = new Map<string, Port>();
  /** UIDs of pods written already and not yet seen so. */
  readonly #written = new Set<string>();
  /** By key of the pod, in the order in which they failed first. */
  readonly #troubles = new Map<string, Trouble>();
  readonly #manager: string;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#ips = new NumberPool(options.addresses.size);
    this.#macs = new NumberPool(options.macs.size);
    this.#manager = `nsx-ncp-${options.dice.hex(10)}-${options.dice.hex(5)}`;
    // One for each worker that waits.
    setMaxListeners(WORKERS + 1, this.#abort.signal);
    this.#queue = new WorkQueue({ clock: options.monotonic, log: options.log, name: "pod network", workers: WORKERS, work: (key) => this.#work(key) });
  }

  /** Name under which it writes: `nsx-ncp-<replica set>-<pod>`. */
  get fieldManager(): string {
    return this.#manager;
  }

  /** Begins to hand out; only after every pod there is was considered. */
  start(): void {
    this.#queue.start();
  }

  /** A pod changed. */
  consider(key: string, pod: Pod): void {
    const { uid, annotations } = pod.metadata;
    if (isNetworkRealized(pod)) {
      this.#written.delete(uid);
      if (!this.#ports.has(uid)) this.#adopt(uid, annotations?.[podVmAnnotations.podIp] ?? "", annotations?.[podVmAnnotations.mac] ?? "");
    } else if (needsPort(pod) && !this.#written.has(uid)) this.#queue.add(key);
  }

  /** A pod is gone: its addresses are free again. */
  forget(pod: Pod): void {
    const { uid } = pod.metadata;
    this.#written.delete(uid);
    this.#comfort(objectKey(pod));
    const port = this.#ports.get(uid);
    if (port === undefined) return;
    this.#ports.delete(uid);
    this.#ips.release(port.ip);
    this.#macs.release(port.mac);
    this.#offerAddress();
  }

  close(): Promise<void> {
    this.#abort.abort();
    for (const key of this.#troubles.keys()) this.#comfort(key);
    return this.#queue.close();
  }

  #adopt(uid: string, address: string, mac: string): void {
    const { addresses, macs } = this.#options;
    const port = { ip: addresses.indexOf(address.replace(/\/.*$/, "")), mac: macs.indexOf(mac) };
    this.#ips.reserve(port.ip);
    this.#macs.reserve(port.mac);
    this.#ports.set(uid, port);
  }

  async #work(key: string): Promise<void> {
    const { pods, clock, realizeMs } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || !needsPort(pod) || isNetworkRealized(pod) || this.#written.has(pod.metadata.uid)) {
      if (pod === undefined || !needsPort(pod)) this.#comfort(key);
      return;
    }
    const { uid } = pod.metadata;
    const trouble = this.#troubles.get(key);
    const complaint = this.#complaint(pod, trouble?.failures ?? 0);
    if (trouble !== undefined && clock.nowMs() < trouble.dueMs && (complaint !== undefined || trouble.lacksAddress)) return;
    if (complaint !== undefined) {
      this.#fail(key, pod, complaint, false);
      return;
    }
    const port = this.#ports.get(uid) ?? this.#newPort(uid);
    if (port === undefined) {
      this.#fail(key, pod, GENERIC_ERROR, true);
      return;
    }
    this.#comfort(key);
    if (realizeMs > 0) {
      try {
        await clock.sleep(realizeMs, this.#abort.signal);
      } catch {
        return;
      }
    }
    await this.#write(pod, port);
  }

  async #write(pod: Pod, port: Port): Promise<void> {
    const { client, events, addresses, macs } = this.#options;
    const { uid } = pod.metadata;
    this.#written.add(uid);
    const prefix = addresses.prefixLength === USUAL_PREFIX_LENGTH ? "" : `/${addresses.prefixLength}`;
    const annotations = {
      // Made from the pod's own UID: no two restarts, and no two pods, can come to the same one.
      [podVmAnnotations.attachmentId]: new Dice(`attachment/${uid}`).uuid(),
      [podVmAnnotations.mac]: macs.address(port.mac),
      [podVmAnnotations.vlan]: "None",
      [podVmAnnotations.podIp]: `${addresses.address(port.ip)}${prefix}`,
    };
    try {
      await client.patch(podType, nameOf(pod), { type: "merge", body: { metadata: { uid, annotations } } }, { fieldManager: this.#manager });
    } catch (error) {
      this.#written.delete(uid);
      // Gone, or another pod of that name: its own change is on its way here.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    events.record(pod, "Normal", "SuccessfulRealizeNSXResource", "Successfully realized NSX resource for Pod", POD);
  }

  /** Why the pod's annotation will not let this try succeed. */
  #complaint(pod: Pod, failures: number): string | undefined {
    const text = pod.metadata.annotations?.[NETWORK_ERRORS];
    if (text === undefined) return undefined;
    const times = timesOf(text);
    if (times === undefined) return `annotation ${NETWORK_ERRORS} "${text}": must be a whole number from 1 to ${MAX_TIMES}, or always`;
    return failures < times ? GENERIC_ERROR : undefined;
  }

  #fail(key: string, pod: Pod, message: string, lacksAddress: boolean): void {
    const { events, clock } = this.#options;
    const failures = (this.#troubles.get(key)?.failures ?? 0) + 1;
    this.#troubles.get(key)?.timer.cancel();
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_INITIAL_MS * 2 ** Math.min(failures - 1, 20));
    this.#troubles.set(key, { failures, dueMs: clock.nowMs() + waitMs, lacksAddress, timer: clock.timer(waitMs, () => this.#queue.add(key)) });
    events.record(pod, "Warning", "FailedRealizeNSXResource", message, POD);
  }

  /** An address came free: who waits longest for one is tried now. */
  #offerAddress(): void {
    for (const [key, trouble] of this.#troubles) {
      if (!trouble.lacksAddress) continue;
      trouble.timer.cancel();
      // Not offered a second one; should this one be gone by then, it fails and waits again.
      this.#troubles.set(key, { ...trouble, lacksAddress: false });
      this.#queue.add(key);
      return;
    }
  }

  /** The pod's trouble is over. */
  #comfort(key: string): void {
    this.#troubles.get(key)?.timer.cancel();
    this.#troubles.delete(key);
  }

  #newPort(uid: string): Port | undefined {
    const ip = this.#ips.take();
    if (ip === undefined) return undefined;
    const mac = this.#macs.take();
    if (mac === undefined) {
      this.#ips.release(ip);
      return undefined;
    }
    const port = { ip, mac };
    this.#ports.set(uid, port);
    return port;
  }
}

function needsPort(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && !isTerminal(pod);
}
