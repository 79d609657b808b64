import type { ClusterTree } from "../drs/entitlement/cluster-tree.js";
import { lookbackMinutes } from "../drs/pass/lookback.js";
import type { LookbackColumns, MovableColumns } from "../drs/pass/pass-input.js";
import type { ActivityMeter } from "../activity/activity-meter.js";
import type { VmRecord } from "../store/records.js";

/** Of the VMs of a pass those that have not used all the time what they use now; of a hundred thousand they are few or none. */
export class LookbackRows {
  readonly #meter: Pick<ActivityMeter, "average">;
  readonly #threshold: number;
  readonly #found: { readonly row: number; readonly usesMhz: number; readonly activeMb: number }[] = [];

  constructor(meter: Pick<ActivityMeter, "average">, threshold: number) {
    this.#meter = meter;
    this.#threshold = threshold;
  }

  /** Looks back on a VM that runs and whose present use has been read; false where there is nothing to look back on. */
  read({ moid, config }: VmRecord, row: number): boolean {
    const average = this.#meter.average(moid, lookbackMinutes(this.#threshold, config.memoryMb));
    if (average === undefined) return false;
    this.#found.push({ row, usesMhz: average.cpuMhz, activeMb: Math.min(average.memoryMb, config.memoryMb) });
    return true;
  }

  /** The columns; undefined where none was found. */
  columns({ vms: { cpu, memory } }: ClusterTree, vms: MovableColumns): LookbackColumns | undefined {
    if (this.#found.length === 0) return undefined;
    const columns = { usesMhz: vms.usesMhz.slice(), demandMhz: cpu.demandMhz.slice(), activeMb: memory.activeMb.slice() };
    for (const { row, usesMhz, activeMb } of this.#found) {
      columns.usesMhz[row] = usesMhz;
      columns.demandMhz[row] = Math.min(cpu.sizeMhz[row] as number, usesMhz);
      columns.activeMb[row] = activeMb;
    }
    return columns;
  }
}
