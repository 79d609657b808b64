import type { MethodFault } from "../../gen/spheresim/vim/v1/fault.js";
import type { Question } from "./host-question.js";
import type { HostTable } from "./host-table.js";

/** vCenter reaches the host's HostD. */
export const connection: Question = {
  passes: (_vm, hosts, row) => hosts.reach(row) === "connected",
  fault: (_vm, hosts, row) =>
    hosts.reach(row) === "disconnected"
      ? { localizedMessage: `Unable to communicate with the remote host ${hosts.name(row)}, since it is disconnected.`, fault: { $case: "hostNotConnected", value: {} } }
      : { localizedMessage: `The remote host ${hosts.name(row)} is not reachable: it does not respond.`, fault: { $case: "hostNotReachable", value: {} } },
  wouldFitIf: (_vm, hosts, row) => (hosts.reach(row) === "disconnected" ? `${hosts.name(row)} connected again` : `an answer from HostD of ${hosts.name(row)}`),
};

/** The host is on. One in standby would have to be woken first. */
export const power: Question = {
  passes: (_vm, hosts, row) => hosts.power(row) === "poweredOn",
  fault: (_vm, hosts, row) => {
    const existingState = hosts.power(row);
    return { localizedMessage: `The attempted operation cannot be performed in the current state (${existingState}).`, fault: { $case: "invalidPowerState", value: { requestedState: "poweredOn", existingState } } };
  },
  wouldFitIf: (_vm, hosts, row) => (hosts.power(row) === "standBy" ? `${hosts.name(row)} woken from standby` : `${hosts.name(row)} powered on`),
};

/** The host is not in maintenance mode: in it, it counts as outside the cluster. */
export const maintenance: Question = {
  passes: (_vm, hosts, row) => !hosts.inMaintenanceMode(row),
  fault: (_vm, hosts, row) => wrongMode(hosts, row, "maintenance"),
  wouldFitIf: (_vm, hosts, row) => `${hosts.name(row)} out of maintenance mode`,
};

/** Proactive HA does not suspect the host. */
export const quarantine: Question = {
  isLastResort: true,
  passes: (_vm, hosts, row) => !hosts.inQuarantineMode(row),
  fault: (_vm, hosts, row) => wrongMode(hosts, row, "quarantine"),
  wouldFitIf: (_vm, hosts, row) => `${hosts.name(row)} out of quarantine mode, or no other host that will do`,
};

function wrongMode(hosts: HostTable, row: number, mode: string): MethodFault {
  return { localizedMessage: `The host ${hosts.name(row)} is in ${mode} mode.`, fault: { $case: "invalidState", value: {} } };
}
