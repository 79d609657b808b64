import type { Clock } from "../base/clock.js";
import { secretHex } from "../base/ids.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { GuestKey, GuestToHost, HostToGuest } from "../gen/spheresim/hostd/v1/guest.js";
import type { ContainerRuntime } from "./runtime/container-runtime.js";
import { CrxInstance, type GuestDurations } from "./crx-instance.js";
import { PodChanges } from "./pods/pod-changes.js";
import type { PodStartFact } from "./pods/pod.js";

/** What the machine process runs its guests with. */
export interface MachineOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly dice: Dice;
  readonly durations: GuestDurations;
  readonly runtime: ContainerRuntime;
  /** Where the agents answer, `host:port`; known once the port is open. */
  readonly agentAddress: () => string;
  readonly onStarted?: ((instance: CrxInstance, fact: PodStartFact) => void) | undefined;
}

/** How to speak to one VMkernel. A word that cannot be said now is lost; `greet` makes it good when the channel is back. */
export type Say = (message: GuestToHost["message"]) => void;

/** All CRX instances of this process, of however many hosts. Nothing of them outlives their power. */
export class Machine {
  readonly #options: MachineOptions;
  /** By BIOS uuid of the VM. */
  readonly #instances = new Map<string, { readonly instance: CrxInstance; readonly say: Say }>();
  /** What watches are told. */
  readonly changes = new PodChanges(secretHex(8));

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** The instance of a VM, if it runs here. */
  instance(uuid: string): CrxInstance | undefined {
    return this.#instances.get(uuid)?.instance;
  }

  /** VMs that have an agent. */
  agents(): readonly CrxInstance[] {
    return [...this.#instances.values()].map(({ instance }) => instance).filter((instance) => instance.hasAgent);
  }

  /** The guests that one VMkernel powered on. */
  guestsOf(say: Say): GuestKey[] {
    return [...this.#instances.values()].filter((each) => each.say === say).map(({ instance }) => instance.key);
  }

  /** Those of them that are alive. */
  beatingGuestsOf(say: Say): GuestKey[] {
    const guests: GuestKey[] = [];
    for (const each of this.#instances.values()) if (each.say === say && each.instance.beats) guests.push(each.instance.key);
    return guests;
  }

  /** The channel to that VMkernel is back: all its guests say again how far they are. */
  announce(say: Say): void {
    for (const each of this.#instances.values()) if (each.say === say) each.instance.announce();
  }

  /** Does what a VMkernel says. Orders for a former life of a VM are ignored. */
  obey({ message }: HostToGuest, say: Say): void {
    if (message === undefined) return;
    const { guest } = message.value;
    if (guest === undefined || guest.uuid === "") return;
    const present = this.#instances.get(guest.uuid)?.instance;
    const same = present?.key.powerOnCount === guest.powerOnCount ? present : undefined;
    switch (message.$case) {
      case "boot": {
        if (same !== undefined) return same.announce();
        // A VM can have moved to another host or lost its record of former lives with its host: what its VMkernel boots is what counts.
        present?.powerOff();
        const instance = new CrxInstance(message.value, guest, {
          ...this.#options,
          say,
          nextRevision: () => this.changes.nextRevision(),
          onChange: (changed) => this.#changed(changed),
          onStarted: this.#options.onStarted ?? (() => undefined),
        });
        this.#instances.set(guest.uuid, { instance, say });
        void instance.boot();
        return;
      }
      case "personality":
        if (message.value.personality !== undefined) void same?.personalize(message.value.personality);
        return;
      case "kill":
        same?.powerOff();
    }
  }

  /** The process ends: all guests lose their power. */
  powerDown(): void {
    for (const { instance } of this.#instances.values()) instance.powerOff();
  }

  #changed(instance: CrxInstance): void {
    if (instance.phase !== "dead") return this.changes.changed(instance);
    if (this.#instances.get(instance.uuid)?.instance === instance) this.#instances.delete(instance.uuid);
    this.changes.gone(instance.uuid);
  }
}
