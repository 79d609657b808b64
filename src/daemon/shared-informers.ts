import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/log.js";
import type { Dice } from "../base/seeded-random.js";
import type { Informers } from "../kubernetes/informers.js";
import { apiserverAccess } from "./credentials.js";
import type { PlanePlan } from "./plane-plan.js";

export interface SharedInformersOptions {
  readonly plan: PlanePlan;
  readonly monotonic: Clock;
  readonly dice: Dice;
  readonly log: Logger;
}

/**
 * The reading copies that the rooms of a process have in common, as the controllers of a kube-controller-manager do: each kind is watched once and
 * held once, however many rooms read it. They read in the name of the controller manager; a room writes in its own.
 */
export class SharedInformers {
  readonly #options: SharedInformersOptions;
  #opened: Promise<{ readonly informers: Informers; close(): Promise<void> }> | undefined;

  constructor(options: SharedInformersOptions) {
    this.#options = options;
  }

  /** Opens them for the first room that asks: most processes have none that does, and load no client for it. */
  async open(): Promise<Informers> {
    this.#opened ??= this.#open();
    return (await this.#opened).informers;
  }

  async close(): Promise<void> {
    // Who could not open them was told why.
    await (await this.#opened?.catch(() => undefined))?.close();
  }

  async #open() {
    const { plan, monotonic, dice, log } = this.#options;
    const [{ RestClient }, { Informers: Opened }] = await Promise.all([import("../kubernetes/rest-client.js"), import("../kubernetes/informers.js")]);
    const client = new RestClient({ ...apiserverAccess(plan, "controllers"), userAgent: "kube-controller-manager/spheresim-informers", clock: monotonic, dice: dice.fork("apiserver") });
    const informers = new Opened({ client, clock: monotonic, dice: dice.fork("informers"), log });
    const close = async (): Promise<void> => {
      await informers.close();
      await client.close();
    };
    return { informers, close };
  }
}
