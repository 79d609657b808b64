import type { Clock } from "../../base/clock.js";
import { toTimestamp } from "../../base/timestamp.js";
import type { Event, EventArgument } from "../../gen/spheresim/vcenter/v1/event.js";
import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import type { Inventory } from "../inventory/inventory.js";
import { type MoType, moref } from "../inventory/moref.js";
import type { VmRecord } from "../store/records.js";
import { type EventType, EVENT_TYPES, formatEvent } from "./event-type.js";

/** What an event is about. Objects by moid; their names are looked up, or given where they are gone already. */
export interface EventFacts {
  readonly vm?: { readonly moid: string; readonly name: string; readonly host: string } | undefined;
  readonly host?: string | undefined;
  readonly sourceHost?: string | undefined;
  readonly pool?: { readonly moid: string; readonly name: string } | undefined;
  readonly cluster?: string | undefined;
  /** Chain of the task it is part of; 0 without one. */
  readonly chainId?: number | undefined;
  readonly reason?: MethodFault | undefined;
  readonly task?: string | undefined;
  /** Further words of its sentence. */
  readonly words?: Readonly<Record<string, string>>;
}

/** A VM as events name it. */
export function vmFacts({ moid, config, host }: VmRecord): NonNullable<EventFacts["vm"]> {
  return { moid, name: config.name, host };
}

/** The most events kept; beyond it the oldest are forgotten. */
export const MAX_EVENTS = 10_000;

/**
 * What happened, in order: the last MAX_EVENTS events. vim25 type: EventManager.
 *
 * Events stand in a ring: event `key` lies at `(key - 1) % MAX_EVENTS`; keys begin at 1.
 */
export class EventLog {
  readonly #clock: Clock;
  readonly #inventory: Inventory;
  readonly #ring: Event[] = [];
  readonly #waiting = new Set<() => void>();
  #last = 0;
  #keep: (event: Event) => void = () => undefined;

  constructor(clock: Clock, inventory: Inventory) {
    this.#clock = clock;
    this.#inventory = inventory;
  }

  /** Key of the newest event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Key of the oldest event kept. */
  get oldest(): number {
    return Math.max(1, this.#last - this.#ring.length + 1);
  }

  /** The event of this key; undefined for one that is forgotten or to come. */
  get(key: number): Event | undefined {
    return key < this.oldest || key > this.#last ? undefined : this.#ring[(key - 1) % MAX_EVENTS];
  }

  /** Begins with events of the vCenter before this one, oldest first; from now on `keep` is told of each. */
  restore(events: readonly Event[], keep: (event: Event) => void): void {
    for (const event of events.slice(-MAX_EVENTS)) {
      this.#last = Number(event.key);
      this.#ring[(this.#last - 1) % MAX_EVENTS] = event;
    }
    this.#keep = keep;
  }

  /** Raises an event. */
  post(type: EventType, facts: EventFacts): void {
    this.#last += 1;
    const event = this.#event(type, facts);
    this.#ring[(this.#last - 1) % MAX_EVENTS] = event;
    this.#keep(event);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves true at the next event, false when `signal` aborts before. */
  next(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (came: boolean): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", stop);
        resolve(came);
      };
      const wake = (): void => end(true);
      const stop = (): void => end(false);
      if (signal.aborted) return resolve(false);
      this.#waiting.add(wake);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  #event(type: EventType, facts: EventFacts): Event {
    const host = this.#host(facts.host ?? facts.vm?.host);
    const sourceHost = this.#host(facts.sourceHost);
    const cluster = this.#cluster(facts.cluster ?? this.#inventory.findHost(host?.ref?.value ?? "")?.cluster);
    const vm = facts.vm === undefined ? undefined : argument("VirtualMachine", facts.vm.moid, facts.vm.name);
    const pool = facts.pool === undefined ? undefined : argument("ResourcePool", facts.pool.moid, facts.pool.name);
    const words = {
      vm: vm?.name ?? "",
      host: host?.name ?? "",
      sourceHost: sourceHost?.name ?? "",
      cluster: cluster?.name ?? "",
      pool: pool?.name ?? "",
      datacenter: this.#datacenterOf(cluster?.ref?.value),
      reason: facts.reason?.localizedMessage ?? "",
      ...facts.words,
    };
    return {
      key: BigInt(this.#last),
      chainId: facts.chainId ?? 0,
      createdTime: toTimestamp(this.#clock.nowMs()),
      type,
      baseTypes: [...EVENT_TYPES[type].extends],
      fullFormattedMessage: formatEvent(type, words),
      computeResource: cluster,
      host,
      vm,
      resourcePool: pool,
      sourceHost,
      reason: facts.reason,
      task: facts.task === undefined ? undefined : moref("Task", facts.task),
    };
  }

  #host(moid: string | undefined): EventArgument | undefined {
    return moid === undefined ? undefined : argument("HostSystem", moid, this.#inventory.findHost(moid)?.spec.name ?? moid);
  }

  #cluster(moid: string | undefined): EventArgument | undefined {
    const cluster = this.#inventory.clusters.find((each) => each.ref?.value === moid);
    return cluster === undefined ? undefined : argument("ClusterComputeResource", moid ?? "", cluster.name);
  }

  #datacenterOf(cluster: string | undefined): string {
    const ref = this.#inventory.clusters.find((each) => each.ref?.value === cluster)?.datacenter?.value;
    return this.#inventory.datacenters.find((each) => each.ref?.value === ref)?.name ?? "";
  }
}

function argument(type: MoType, moid: string, name: string): EventArgument {
  return { ref: moref(type, moid), name };
}
