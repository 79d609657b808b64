import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/log.js";
import { Periodic } from "../../base/periodic.js";
import { type Cluster, type ClusterDrsConfig, DrsBehavior } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { DEFAULT_MIGRATION_THRESHOLD } from "../clusters/cluster-admin.js";
import type { PassInput, PassResult } from "../drs/pass/pass-input.js";
import { figure } from "./drs-usage.js";
import { hostFigures } from "./host-rows.js";
import type { EventLog } from "../events/event-log.js";
import { Serial } from "../store/serial.js";
import { VimFault } from "../vim-fault.js";
import type { ClusterPass } from "./cluster-pass.js";
import { recommendations } from "./recommendation.js";
import { type SnapshotSource, takeSnapshot } from "./snapshot.js";
import { Stretches } from "./stretches.js";

/** vSphere 7 scores VMs and looks for moves each minute (published); of emulated time. */
export const PASS_EVERY_MS = 60_000;
/** So many hosts and pools are told about at a stretch. */
const AT_A_STRETCH = 1_000;

/** What running passes needs. */
export interface DrsPassesOptions extends SnapshotSource {
  /** Runs a pass somewhere else; its input may be moved there. */
  readonly run: (input: PassInput) => Promise<PassResult>;
  /** Emulated time. */
  readonly clock: Clock;
  readonly events: EventLog;
  readonly epoch: bigint;
  readonly log: Logger;
  readonly closing: AbortSignal;
  /** Told of each pass that is over. */
  readonly onPass: (pass: ClusterPass) => void;
}

/**
 * Runs a pass of DRS over each cluster every minute of emulated time, and whenever it is asked to, one after the other. What a pass found stays
 * in memory until the next one of its cluster; a restart begins anew. A pass that fails is told and changes nothing; the next one comes.
 */
export class DrsPasses {
  readonly #options: DrsPassesOptions;
  readonly #serial = new Serial();
  readonly #periodic: Periodic;
  readonly #last = new Map<string, ClusterPass>();
  /** By cluster: the pass that is waited for and has not begun; whoever asks meanwhile gets that one. */
  readonly #waiting = new Map<string, Promise<ClusterPass>>();
  #begun = 0;

  constructor(options: DrsPassesOptions) {
    this.#options = options;
    const failed = (error: unknown): void => options.log.error({ err: error }, "the passes of DRS were left out this minute");
    this.#periodic = new Periodic({ everyMs: PASS_EVERY_MS, clock: options.clock, work: () => this.#round(), failed });
  }

  start(): void {
    this.#periodic.start();
  }

  /** Resolves when no pass is under way; the caller has aborted `closing`. */
  async close(): Promise<void> {
    await this.#periodic.close();
    await this.#serial.run(() => Promise.resolve()).catch(() => undefined);
  }

  /** The last pass over a cluster; undefined before the first. */
  last(cluster: string): ClusterPass | undefined {
    return this.#last.get(cluster);
  }

  /** Every cluster's last pass. */
  all(): Iterable<ClusterPass> {
    return this.#last.values();
  }

  /** The last pass, or, before the first one, one that only looks. */
  async known(cluster: string): Promise<ClusterPass> {
    return this.#last.get(cluster) ?? this.#pass(cluster, () => 0);
  }

  /** Runs a pass now. */
  refresh(cluster: string): Promise<ClusterPass> {
    const waiting = this.#waiting.get(cluster);
    if (waiting !== undefined) return waiting;
    const pass = this.#pass(cluster, () => thresholdOf(this.#options.inventory.cluster(cluster))).finally(() => this.#done(cluster, pass));
    this.#waiting.set(cluster, pass);
    return pass;
  }

  async #round(): Promise<void> {
    for (const { ref } of this.#options.inventory.clusters) {
      // It was told already; the next cluster has its pass all the same.
      if (!this.#options.closing.aborted) await this.refresh(ref?.value ?? "").catch(() => undefined);
    }
  }

  #done(cluster: string, pass: Promise<ClusterPass>): void {
    if (this.#waiting.get(cluster) === pass) this.#waiting.delete(cluster);
  }

  #pass(cluster: string, threshold: () => number): Promise<ClusterPass> {
    return this.#serial.run(async () => {
      this.#waiting.delete(cluster);
      try {
        return await this.#attempt(cluster, threshold());
      } catch (error) {
        throw this.#failure(cluster, error);
      }
    });
  }

  async #attempt(cluster: string, threshold: number): Promise<ClusterPass> {
    const { run, inventory, clock, epoch, closing, onPass } = this.#options;
    closing.throwIfAborted();
    this.#begun += 1;
    const timeMs = clock.nowMs();
    const { input, rows } = await takeSnapshot(this.#options, cluster, { threshold, turn: this.#begun });
    closing.throwIfAborted();
    const result = await run(input);
    closing.throwIfAborted();
    // It may have been switched off meanwhile.
    const before = this.#last.get(cluster);
    const options = { prefix: `drs-${epoch}.${this.#begun}`, timeMs, before: before?.recommendations ?? [] };
    const made = isEnabled(inventory.cluster(cluster).drsConfig) ? recommendations(rows, result, options) : [];
    const pass: ClusterPass = { number: (before?.number ?? 0) + 1, timeMs, rows, result, recommendations: made };
    this.#last.set(cluster, pass);
    await this.#tell(pass);
    onPass(pass);
    return pass;
  }

  /** Tells those who watch the inventory about hosts and pools whose figures changed, and nobody about the others. */
  async #tell({ rows, result: { hosts, pools, cluster } }: ClusterPass): Promise<void> {
    const { inventory } = this.#options;
    if (inventory.usage.setCluster(rows.cluster, cluster)) inventory.feed.changed(rows.cluster);
    const stretches = new Stretches(AT_A_STRETCH);
    const of = (column: Float64Array, row: number): number => figure(column[row] ?? 0);
    for (const [row, host] of rows.hosts.entries()) {
      const { moid } = host;
      const pause = stretches.step();
      if (pause !== undefined) await pause;
      if (inventory.findHost(moid) !== undefined && inventory.usage.setHost(moid, hostFigures(host, hosts, row))) inventory.feed.changed(moid);
    }
    for (const [row, { moid }] of rows.pools.entries()) {
      const pause = stretches.step();
      if (pause !== undefined) await pause;
      const figures = { entitledCpuMhz: of(pools.entitledMhz, row), entitledMemoryMb: of(pools.entitledMb, row), effectiveCpuShares: of(pools.cpuShares, row), effectiveMemoryShares: of(pools.memoryShares, row) };
      if (inventory.findPool(moid) !== undefined && inventory.usage.setPool(moid, figures)) inventory.feed.changed(moid);
    }
  }

  #failure(cluster: string, error: unknown): Error {
    const { closing, events, log } = this.#options;
    const reason = error instanceof Error ? error : new Error(String(error));
    if (closing.aborted || error instanceof VimFault) return reason;
    log.error({ err: error, cluster }, "a pass of DRS failed");
    events.post("DrsInvocationFailedEvent", { cluster, words: { reason: reason.message } });
    return VimFault.invalidState(`DRS invocation not completed: ${reason.message}`);
  }
}

/** The threshold a pass works by: 0, which only looks, while DRS is off. */
function thresholdOf({ drsConfig }: Cluster): number {
  if (!isEnabled(drsConfig)) return 0;
  return drsConfig === undefined || drsConfig.migrationThreshold === 0 ? DEFAULT_MIGRATION_THRESHOLD : drsConfig.migrationThreshold;
}

/** DRS is on unless somebody switched it off. */
export function isEnabled(drsConfig: ClusterDrsConfig | undefined): boolean {
  return drsConfig?.enabled !== false;
}

/** Whether DRS migrates by itself. */
export function isFullyAutomated(drsConfig: ClusterDrsConfig | undefined): boolean {
  const behavior = drsConfig?.defaultVmBehavior ?? DrsBehavior.UNSPECIFIED;
  return isEnabled(drsConfig) && (behavior === DrsBehavior.FULLY_AUTOMATED || behavior === DrsBehavior.UNSPECIFIED);
}
