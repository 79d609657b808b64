import { secretUuid } from "../base/ids.js";
import { Periodic } from "../base/periodic.js";
import { leases } from "../kubernetes/resource-type.js";
import { reportFailure } from "../kubernetes/retry-report.js";
import { isNotFound } from "../kubernetes/status.js";
import { formatMicroTime } from "../kubernetes/timestamp.js";
import type { ControllerContext } from "./controller.js";

const NAME = { namespace: "kube-system", name: "kube-controller-manager" } as const;
/** `--leader-elect-lease-duration`, 15 s, and `--leader-elect-renew-deadline`, 10 s, by `--leader-elect-retry-period`, 2 s. */
const PERIODS_PER_LEASE = 7.5;
const PERIODS_PER_DEADLINE = 5;

/**
 * The Lease by which kube-controller-manager says that it leads, `kube-system/kube-controller-manager`. It takes the way of a node's: through API
 * server and store, and back by the watch that all Leases share. So whoever sees it come back has seen all Leases that were renewed before.
 * Nobody else competes for it: a manager that begins takes it over at once.
 */
export class ManagerLease {
  readonly #context: ControllerContext;
  readonly #everyMs: number;
  readonly #holder = `spheresim_${secretUuid()}`;
  readonly #periodic: Periodic;
  readonly #unsubscribe: () => void;
  #failures = 0;

  /** @param cameBack called each time a renewal is seen in the watch */
  constructor(context: ControllerContext, everyMs: number, cameBack: () => void) {
    this.#context = context;
    this.#everyMs = everyMs;
    const seen = ({ metadata, spec }: { metadata: { name: string; namespace?: string }; spec?: { holderIdentity?: string } }): void => {
      if (metadata.name === NAME.name && metadata.namespace === NAME.namespace && spec?.holderIdentity === this.#holder) cameBack();
    };
    this.#unsubscribe = context.informers.of(leases).subscribe({ added: seen, updated: seen });
    const failed = (error: unknown): void => {
      this.#failures += 1;
      reportFailure(context.log, error, this.#failures, {}, "the manager's Lease is not renewed, will try again");
    };
    this.#periodic = new Periodic({ everyMs, clock: context.monotonic, work: () => this.#renew(), failed });
  }

  start(): void {
    this.#periodic.start();
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#periodic.close();
  }

  async #renew(): Promise<void> {
    const { client, clock, informers } = this.#context;
    const options = { timeoutMs: this.#everyMs * PERIODS_PER_DEADLINE };
    const renewTime = formatMicroTime(clock.nowMs());
    const begun = { holderIdentity: this.#holder, acquireTime: renewTime, leaseDurationSeconds: Math.ceil((this.#everyMs * PERIODS_PER_LEASE) / 1000), renewTime };
    const known = informers.of(leases).store.get(`${NAME.namespace}/${NAME.name}`)?.spec;
    const spec = known?.holderIdentity === this.#holder ? { renewTime } : { ...begun, leaseTransitions: (known?.leaseTransitions ?? 0) + 1 };
    try {
      await client.patch(leases, NAME, { type: "merge", body: { spec } }, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await client.create(leases, { metadata: NAME, spec: { ...begun, leaseTransitions: 0 } }, options);
    }
    this.#failures = 0;
  }
}
