import type { Trouble } from "../status/pod-status.js";
import type { VmNews } from "../vsphere.js";

/** What is wrong with a guest by HostD's word. */
export interface GuestTrouble extends Trouble {
  /** Whether the guest is gone, not just silent: nothing can be started until its VM has been powered on again. */
  readonly dead: boolean;
  /** Whether users are told by an event: not of a power-off that somebody wished. */
  readonly telling: boolean;
}

/**
 * How the guest of a pod's VM is, as HostD tells it. A guest that hangs is left alone: it ends with its beat coming back, a reset of its VM (by HostD: vCenter resets no
 * VM of a pod), or the pod's deletion. One that died comes back with the power-on that vCenter gives every VM that should run.
 */
export class GuestWatch {
  /** Number of the last power-on whose guest this Spherelet gave a personality. */
  #powerOnCount = Number.POSITIVE_INFINITY;
  #trouble: GuestTrouble | undefined;

  get trouble(): GuestTrouble | undefined {
    return this.#trouble;
  }

  get hangs(): boolean {
    return this.#trouble?.dead === false;
  }

  get dead(): boolean {
    return this.#trouble?.dead === true;
  }

  /** The pod lives in this power-on of its VM. */
  lives(powerOnCount: number): void {
    this.#powerOnCount = powerOnCount;
    if (this.dead) this.#trouble = undefined;
  }

  /** Takes in what HostD tells; whether that changes anything. */
  hear(news: VmNews): boolean {
    const before = this.#trouble;
    if (news.gone || news.waits) this.#trouble = undefined;
    else if (news.off) {
      const isOwn = news.powerOnCount >= this.#powerOnCount && !this.dead;
      if (isOwn) this.#trouble = { reason: "ProviderFailed", message: `HostD: ${news.fault === "" ? "The virtual machine is powered off." : news.fault}`, final: false, dead: true, telling: news.fault !== "" };
    } else if (news.hangs) {
      this.#trouble ??= { reason: "AgentUnreachable", message: "HostD: no heartbeat from the guest", final: false, dead: false, telling: true };
    } else if (this.hangs) this.#trouble = undefined;
    return before !== this.#trouble;
  }
}
