/** What a real DRS weighs and this one does not; shown with every explanation, so that nobody reads more into a choice than there is. */
export const notWeighed: readonly string[] = [
  "what VMs are entitled to by shares and limits: hosts are compared by what VMs would use; migrations go by entitlement",
  "use over time: a choice goes by the present figure, where a real one averages; what VMs will use later is not foretold, but for a new one",
  "network bandwidth reservations and saturation of uplinks",
  "datastore space, I/O latency and Storage DRS, and which host is connected to the most datastores",
  "hosts in standby, which power management could wake",
  "migration of running VMs to make room",
  "NUMA locality, CPU compatibility (EVC) and licences",
];
