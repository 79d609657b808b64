/** What a real DRS weighs and this one does not; shown with every explanation, so that nobody reads more into a choice than there is. */
export const notWeighed: readonly string[] = [
  "shares of VMs and of sibling pools, scalable shares, and limits of single VMs",
  "use over time: the present figure stands for the last hour's average, and nothing is predicted",
  "network bandwidth reservations and saturation of uplinks",
  "datastore space, I/O latency and Storage DRS",
  "hosts in standby, which power management could wake",
  "migration of running VMs to make room",
  "NUMA locality, CPU compatibility (EVC) and licences",
];
