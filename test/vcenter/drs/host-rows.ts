import { Dice } from "../../../src/base/seeded-random.js";
import type { Amount } from "../../../src/vcenter/drs/amount.js";
import type { HostCandidate } from "../../../src/vcenter/drs/host-candidate.js";
import { spheresimScorer } from "../../../src/vcenter/drs/host-score.js";
import { HostTable } from "../../../src/vcenter/drs/host-table.js";
import { place } from "../../../src/vcenter/drs/place.js";
import { Survey } from "../../../src/vcenter/drs/survey.js";
import { VmToPlace } from "../../../src/vcenter/drs/vm-to-place.js";
import type { VmShape } from "../../../src/vcenter/drs/vm-shape.js";

/** A host of a test: what it is, and what is booked on it. */
export interface BookedHost extends HostCandidate {
  readonly reserved: Amount;
  readonly active: Amount;
}

/** A host that is well, with nothing on it. */
export const wellHost: BookedHost = {
  moid: "host-21",
  name: "esxi-01",
  cluster: "domain-c1",
  cores: 4,
  coreMhz: 2000,
  memoryMb: 8192,
  reach: "connected",
  power: "poweredOn",
  inMaintenanceMode: false,
  inQuarantineMode: false,
  datastores: [],
  networks: [],
  reserved: { cpuMhz: 0, memoryMb: 0 },
  active: { cpuMhz: 0, memoryMb: 0 },
};

/** Hosts as rows of a table; what is active is demanded as well. */
export function tableOf(hosts: readonly BookedHost[]): HostTable {
  const table = new HostTable();
  for (const { reserved, active, ...host } of hosts) {
    table.add(host.moid, { cpuMhz: host.cores * host.coreMhz, memoryMb: host.memoryMb });
    table.describe(host);
    table.book(table.row(host.moid), { reserved, active, demand: active, poweredOn: true }, 1);
  }
  return table;
}

/** The decision tree asked of the hosts of one cluster. */
export function surveyOf(vm: VmShape | VmToPlace, hosts: readonly BookedHost[]): Survey {
  const table = tableOf(hosts);
  return new Survey(vm instanceof VmToPlace ? vm : new VmToPlace(vm), table, table.rowsOf(hosts[0]?.cluster ?? ""), spheresimScorer);
}

/** The name of the host that is chosen. */
export function chosenName(vm: VmShape, hosts: readonly BookedHost[], seed: number): string | undefined {
  const { survey, chosen } = place(surveyOf(vm, hosts), new Dice(seed));
  return chosen === undefined ? undefined : survey.hosts.name(survey.rows[chosen] ?? -1);
}
