import type { ReconfigureClusterRequest } from "../../gen/spheresim/vcenter/v1/cluster.js";
import { type Cluster, type ClusterDasConfig, type ClusterDrsConfig, DrsBehavior } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { ScaleSharesBehavior } from "../../gen/spheresim/vim/v1/resource.js";
import { showCluster } from "./cluster-health.js";
import type { EventLog } from "../events/event-log.js";
import type { Inventory } from "../inventory/inventory.js";
import { onlyCluster } from "../placement/placement-spec.js";
import { clusterEntry } from "../store/records.js";
import type { Serial } from "../store/serial.js";
import type { Store } from "../store/store.js";
import { VimFault } from "../vim-fault.js";

/** The threshold of a cluster whose settings name none: the slider's middle. */
export const DEFAULT_MIGRATION_THRESHOLD = 3;
const MAX_MIGRATION_THRESHOLD = 5;

/** vim25's spelling. */
const BEHAVIORS: Readonly<Partial<Record<DrsBehavior, string>>> = { [DrsBehavior.MANUAL]: "manual", [DrsBehavior.PARTIALLY_AUTOMATED]: "partiallyAutomated" };

/** What administering clusters needs. */
export interface ClusterAdminOptions {
  readonly inventory: Inventory;
  readonly store: Store;
  readonly serial: Serial;
  readonly events: EventLog;
}

/** Settings of clusters: of DRS, of HA, and whether shares scale. */
export class ClusterAdmin {
  readonly #options: ClusterAdminOptions;

  constructor(options: ClusterAdminOptions) {
    this.#options = options;
  }

  reconfigure(request: ReconfigureClusterRequest): Promise<Cluster> {
    const drsConfig = request.drsConfig === undefined ? undefined : completeDrsConfig(request.drsConfig);
    const dasConfig = request.dasConfig === undefined ? undefined : checkedDasConfig(request.dasConfig);
    return this.#options.serial.run(async () => {
      const { inventory, store } = this.#options;
      const cluster = inventory.cluster(request.cluster?.value ?? onlyCluster("cluster", inventory));
      const scale = request.scaleDescendantsShares;
      const changed: Cluster = {
        ...cluster,
        drsConfig: drsConfig ?? cluster.drsConfig,
        dasConfig: dasConfig ?? cluster.dasConfig,
        scaleDescendantsShares: scale === ScaleSharesBehavior.UNSPECIFIED ? cluster.scaleDescendantsShares : scale,
      };
      await store.commit({ puts: [clusterEntry(changed)] });
      inventory.changeCluster(changed);
      this.#tell(cluster, changed);
      return showCluster(inventory, changed);
    });
  }

  #tell(before: Cluster, after: Cluster): void {
    const { events } = this.#options;
    const facts = { cluster: after.ref?.value };
    events.post("ClusterReconfiguredEvent", facts);
    const isOn = after.drsConfig?.enabled !== false;
    if (isOn === (before.drsConfig?.enabled !== false)) return;
    if (isOn) events.post("DrsEnabledEvent", { ...facts, words: { behavior: BEHAVIORS[after.drsConfig?.defaultVmBehavior ?? DrsBehavior.UNSPECIFIED] ?? "fullyAutomated" } });
    else events.post("DrsDisabledEvent", facts);
  }
}

function completeDrsConfig(config: ClusterDrsConfig): ClusterDrsConfig {
  const { migrationThreshold: threshold, defaultVmBehavior: behavior } = config;
  if (threshold < 0 || threshold > MAX_MIGRATION_THRESHOLD) throw VimFault.invalidArgument("drs_config.migration_threshold", `must be 1 to ${MAX_MIGRATION_THRESHOLD}, or 0 for ${DEFAULT_MIGRATION_THRESHOLD}; is ${threshold}`);
  if (DrsBehavior[behavior] === undefined || behavior === DrsBehavior.UNRECOGNIZED) throw VimFault.invalidArgument("drs_config.default_vm_behavior", `${behavior} is no behavior`);
  return {
    enabled: config.enabled ?? true,
    defaultVmBehavior: behavior === DrsBehavior.UNSPECIFIED ? DrsBehavior.FULLY_AUTOMATED : behavior,
    migrationThreshold: threshold === 0 ? DEFAULT_MIGRATION_THRESHOLD : threshold,
    consumedMemoryMetric: config.consumedMemoryMetric,
  };
}

function checkedDasConfig(config: ClusterDasConfig): ClusterDasConfig {
  requirePercent(config.cpuFailoverResourcesPercent, "das_config.cpu_failover_resources_percent");
  requirePercent(config.memoryFailoverResourcesPercent, "das_config.memory_failover_resources_percent");
  return config;
}

function requirePercent(value: number, field: string): void {
  if (value < 0 || value > 100) throw VimFault.invalidArgument(field, `must be 0 to 100 percent, is ${value}`);
}
