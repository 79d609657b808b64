import { setMaxListeners } from "node:events";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import { Dice } from "../base/seeded-random.js";
import type { ApiClient } from "../kubernetes/api-client.js";
import type { EventRecorder } from "../kubernetes/event-recorder.js";
import { nameOf } from "../kubernetes/object-meta.js";
import type { ObjectStore } from "../kubernetes/object-store.js";
import { isTerminal, type Pod } from "../kubernetes/pod.js";
import { pods as podType } from "../kubernetes/resource-type.js";
import { isConflict, isNotFound } from "../kubernetes/status.js";
import { isNetworkRealized, podVmAnnotations } from "../kubernetes/vsphere-pod.js";
import { WorkQueue } from "../kubernetes/work-queue.js";
import { Ipv4Range, macRange, NumberPool } from "./address-pool.js";

export interface PodNetworkOptions {
  readonly client: ApiClient;
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly events: Pick<EventRecorder, "record">;
  /** Range of the pods' addresses, `10.244.0.0/16`. */
  readonly podCidr: string;
  /** Milliseconds of emulated time a port takes. */
  readonly realizeMs: number;
  /** Emulated. */
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

const WORKERS = 64;

interface Port {
  readonly ip: number;
  readonly mac: number;
}

/** The range has no address left. */
class NoAddressLeft extends Error {
  constructor(podCidr: string) {
    super(`the pod range ${podCidr} has no address left`);
    this.name = "NoAddressLeft";
  }
}

/**
 * Stands for NCP, the network's controller: gives each pod a logical port (`attachment_id`), a MAC, no VLAN, and an address,
 * as soon as the pod is stored. Which addresses are taken stands on the pods alone: after a restart they are read from there.
 */
export class PodNetwork {
  readonly #options: PodNetworkOptions;
  readonly #queue: WorkQueue;
  readonly #abort = new AbortController();
  readonly #range: Ipv4Range;
  readonly #ips: NumberPool;
  readonly #macs = new NumberPool(macRange.size);
  readonly #ports = new Map<string, Port>();
  /** UIDs of pods written already and not yet seen so. */
  readonly #written = new Set<string>();
  readonly #manager: string;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#range = new Ipv4Range(options.podCidr);
    this.#ips = new NumberPool(this.#range.size);
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
    const port = this.#ports.get(uid);
    if (port === undefined) return;
    this.#ports.delete(uid);
    this.#ips.release(port.ip);
    this.#macs.release(port.mac);
  }

  close(): Promise<void> {
    this.#abort.abort();
    return this.#queue.close();
  }

  #adopt(uid: string, ip: string, mac: string): void {
    const port = { ip: this.#range.indexOf(ip), mac: macRange.indexOf(mac) };
    this.#ips.reserve(port.ip);
    this.#macs.reserve(port.mac);
    this.#ports.set(uid, port);
  }

  async #work(key: string): Promise<void> {
    const { pods, client, events, clock, realizeMs, podCidr } = this.#options;
    const pod = pods.get(key);
    if (pod === undefined || !needsPort(pod) || isNetworkRealized(pod) || this.#written.has(pod.metadata.uid)) return;
    const { uid } = pod.metadata;
    const about = { apiVersion: "v1", kind: "Pod" };
    const port = this.#ports.get(uid) ?? this.#newPort(uid);
    if (port === undefined) {
      events.record(pod, "Warning", "FailedRealizeNSXResource", "Generic Error occurred during realizing network for Pod", about);
      throw new NoAddressLeft(podCidr);
    }
    if (realizeMs > 0) {
      try {
        await clock.sleep(realizeMs, this.#abort.signal);
      } catch {
        return;
      }
    }
    this.#written.add(uid);
    const annotations = {
      // Made from the pod's own UID: no two restarts, and no two pods, can come to the same one.
      [podVmAnnotations.attachmentId]: new Dice(`attachment/${uid}`).uuid(),
      [podVmAnnotations.mac]: macRange.address(port.mac),
      [podVmAnnotations.vlan]: "None",
      [podVmAnnotations.podIp]: this.#range.address(port.ip),
    };
    try {
      await client.patch(podType, nameOf(pod), { type: "merge", body: { metadata: { uid, annotations } } }, { fieldManager: this.#manager });
    } catch (error) {
      this.#written.delete(uid);
      // Gone, or another pod of that name: its own change is on its way here.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    events.record(pod, "Normal", "SuccessfulRealizeNSXResource", "Successfully realized NSX resource for Pod", about);
  }

  #newPort(uid: string): Port | undefined {
    const ip = this.#ips.take();
    const mac = ip === undefined ? undefined : this.#macs.take();
    if (ip === undefined || mac === undefined) return undefined;
    const port = { ip, mac };
    this.#ports.set(uid, port);
    return port;
  }
}

function needsPort(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && !isTerminal(pod);
}
