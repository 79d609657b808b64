import type { Clock, Timer } from "../base/clock.js";
import type { GuestKey } from "../gen/spheresim/hostd/v1/guest.js";
import { VmPhase } from "../gen/spheresim/hostd/v1/host.js";
import { ManagedEntityStatus } from "../gen/spheresim/vim/v1/managed_entity.js";
import type { VirtualMachine } from "./virtual-machine.js";

/** How often the hearts are looked at; as often as they beat. Monotonic time, so that a jump of the emulated clock is no death. */
const LOOK_MS = 5_000;
/** Without a beat for so long a heartbeat is intermittent: three beats are missing, as from a guest under load. */
const YELLOW_AFTER_MS = 15_000;
/** Without a beat for so long a guest counts as failed. vim25: default of ClusterVmToolsMonitoringSettings.failureInterval. */
const RED_AFTER_MS = 30_000;

/** What is looked at. */
export interface GuestHeartbeatsOptions {
  readonly monotonic: Clock;
  /** The CRX instances of all hosts. */
  readonly vms: () => Iterable<{ readonly vm: VirtualMachine }>;
  /** The VM in whose present life that guest runs. */
  readonly find: (guest: GuestKey) => VirtualMachine | undefined;
  /** The heart of a VM's guest is in another state than its status says. */
  readonly changed: (vm: VirtualMachine, status: ManagedEntityStatus) => void;
}

/**
 * Whether the guests of all hosts are alive, by the beats of their CRX init. A beat costs a look-up, and only a change of colour is told.
 *
 * What counts is time in which somebody watched: a process that stood still (a paused laptop) has not seen its guests die.
 *
 * Worked example: beats at 0 and 5 s, then none. Yellow at 20 s, red at 35 s; a beat at 41 s makes it green at once.
 */
export class GuestHeartbeats {
  readonly #options: GuestHeartbeatsOptions;
  #lookedAtMs: number;
  #watchedMs = 0;
  #timer: Timer | undefined;

  constructor(options: GuestHeartbeatsOptions) {
    this.#options = options;
    this.#lookedAtMs = options.monotonic.nowMs();
    this.#lookLater();
  }

  /** These guests are alive. Guests of a former life are passed over: HostD had them killed. */
  beat(guests: readonly GuestKey[]): void {
    const { monotonic } = this.#options;
    const nowMs = this.#watchedMs + Math.min(monotonic.nowMs() - this.#lookedAtMs, LOOK_MS);
    for (const guest of guests) {
      const vm = this.#options.find(guest);
      if (vm?.life === undefined || !hasHeart(vm)) continue;
      vm.life.lastBeatMs = nowMs;
      this.#tell(vm, ManagedEntityStatus.GREEN);
    }
  }

  close(): void {
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#options.monotonic.timer(LOOK_MS, () => {
      const nowMs = this.#options.monotonic.nowMs();
      this.#watchedMs += Math.min(nowMs - this.#lookedAtMs, LOOK_MS);
      this.#lookedAtMs = nowMs;
      for (const { vm } of this.#options.vms()) this.#look(vm);
      this.#lookLater();
    });
  }

  #look(vm: VirtualMachine): void {
    const { life } = vm;
    if (life === undefined || !hasHeart(vm)) return;
    // The word that its init runs was the first beat.
    life.lastBeatMs ??= this.#watchedMs;
    const silentMs = this.#watchedMs - life.lastBeatMs;
    if (silentMs >= RED_AFTER_MS) this.#tell(vm, ManagedEntityStatus.RED);
    else if (silentMs >= YELLOW_AFTER_MS) this.#tell(vm, ManagedEntityStatus.YELLOW);
  }

  #tell(vm: VirtualMachine, status: ManagedEntityStatus): void {
    if (vm.state.guestHeartbeatStatus !== status) this.#options.changed(vm, status);
  }
}

/** Whether CRX init runs in the VM. */
function hasHeart({ state: { phase } }: VirtualMachine): boolean {
  return phase === VmPhase.INIT_WAITING || phase === VmPhase.PERSONALITY || phase === VmPhase.AGENT_READY;
}
