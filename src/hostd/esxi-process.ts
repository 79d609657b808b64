import type { BoundedQueue } from "../base/bounded-queue.js";
import type { Clock } from "../base/clock.js";
import { secretHex } from "../base/ids.js";
import type { Logger } from "../base/log.js";
import type { GuestHello, GuestKey, GuestToHost, HostToGuest } from "../gen/spheresim/hostd/v1/guest.js";
import { ChangeRing } from "./change-ring.js";
import type { EsxiHost, EsxiSurroundings } from "./esxi-host.js";
import { GuestHeartbeats } from "./guest-heartbeats.js";
import { GuestLink } from "./guest-link.js";
import type { PhysicalHost } from "./hardware/physical-host.js";
import { Rack } from "./hardware/rack.js";
import type { HostSpec, PowerOnDurations } from "./host-spec.js";
import type { PowerOnFact } from "./power-cycle.js";
import type { VirtualMachine } from "./virtual-machine.js";
import { VmDisk } from "./vm-disk.js";

/** What the hosts of a process run on. */
export interface EsxiProcessOptions {
  readonly hosts: readonly HostSpec[];
  /** Directory of the hosts' disks; one process at a time. */
  readonly dataDir: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly durations: PowerOnDurations;
  readonly onPowerOn?: ((fact: PowerOnFact) => void) | undefined;
}

/** All ESXi hosts of this process: they share a disk, a stream of changes and the channel to the guests. */
export class EsxiProcess {
  readonly rack: Rack;
  readonly changes: ChangeRing;
  readonly disk: VmDisk;
  readonly #guests: GuestLink;
  readonly #heartbeats: GuestHeartbeats;
  readonly #byUuid: EsxiSurroundings["byUuid"];
  readonly #log: Logger;
  #poweredDown = false;

  private constructor(around: EsxiSurroundings, rack: Rack) {
    this.rack = rack;
    this.changes = around.changes;
    this.disk = around.disk;
    this.#guests = around.guests;
    this.#byUuid = around.byUuid;
    this.#log = around.log;
    this.#heartbeats = new GuestHeartbeats({
      monotonic: around.monotonic,
      vms: () => around.byUuid.values(),
      find: (guest) => this.#present(guest)?.vm,
      changed: (vm, status) => around.byUuid.get(vm.config.uuid)?.host.power.heartbeat(vm, status),
    });
  }

  /** By name. */
  get hosts(): ReadonlyMap<string, PhysicalHost> {
    return this.rack.hosts;
  }

  get poweredDown(): boolean {
    return this.#poweredDown;
  }

  /** Boots the hosts that have power: each finds its disk and its VMs powered off. */
  static async boot(options: EsxiProcessOptions): Promise<EsxiProcess> {
    const around: EsxiSurroundings = {
      clock: options.clock,
      monotonic: options.monotonic,
      log: options.log,
      durations: options.durations,
      disk: await VmDisk.open(options.dataDir),
      changes: new ChangeRing(secretHex(6)),
      guests: new GuestLink(),
      byUuid: new Map(),
      onPowerOn: options.onPowerOn ?? (() => undefined),
    };
    return new EsxiProcess(around, await Rack.open(options.hosts, around));
  }

  /**
   * A machine process is here. Guests it runs that no VM has are killed; guests of running VMs it does not run are booted again.
   * Returns what is to be said to it; close it with `guestsGone`.
   */
  guestsHere(hello: GuestHello): BoundedQueue<HostToGuest> {
    const queue = this.#guests.open();
    const alive = new Set<VirtualMachine>();
    for (const guest of hello.guests) {
      const known = this.#present(guest);
      if (known === undefined) this.#guests.say({ $case: "kill", value: { guest } });
      else alive.add(known.vm);
    }
    for (const { host, vm } of this.#byUuid.values()) {
      host.power.guestFound(vm, alive.has(vm)).catch((error: unknown) => this.#log.error({ err: error, vm: vm.vmId }, "cannot boot a lost guest again"));
    }
    return queue;
  }

  guestsGone(queue: BoundedQueue<HostToGuest>): void {
    this.#guests.close(queue);
  }

  /** A word of a guest. One of a former life is answered with a kill. */
  async heard({ message }: GuestToHost): Promise<void> {
    if (message === undefined || message.$case === "hello") return;
    if (message.$case === "heartbeat") return this.#heartbeats.beat(message.value.guests);
    const { guest } = message.value;
    const known = guest === undefined ? undefined : this.#present(guest);
    if (known === undefined) {
      if (guest !== undefined && message.$case !== "died") this.#guests.say({ $case: "kill", value: { guest } });
      return;
    }
    switch (message.$case) {
      case "initWaiting":
        return known.host.power.initWaiting(known.vm);
      case "agentReady":
        return known.host.power.agentReady(known.vm, message.value.agentAddress);
      case "died":
        return known.host.power.guestDied(known.vm, message.value.reason);
    }
  }

  /** The power goes: guests are killed, calls under way end. The disk stays open for what they still have to write. */
  powerDown(): void {
    this.#poweredDown = true;
    this.#heartbeats.close();
    this.rack.shutDown();
    this.#guests.end();
  }

  #present(guest: GuestKey): { readonly host: EsxiHost; readonly vm: VirtualMachine } | undefined {
    const found = this.#byUuid.get(guest.uuid);
    return found?.vm.life?.booted === true && found.vm.state.powerOnCount === guest.powerOnCount ? found : undefined;
  }
}
