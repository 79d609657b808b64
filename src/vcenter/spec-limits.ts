/** The largest int32: MHz, MB and shares end here. */
export const MAX_INT32 = 2_147_483_647;
/** The smallest amount and the step of a VM's memory, MB. */
export const MIN_MEMORY_MB = 4;
/** The most virtual CPUs of a VM: far beyond any host, and little enough that its overhead and sums of figures stay int32. */
export const MAX_CPUS = 65_536;
/** The most memory of a VM, MB (1 PiB): see MAX_CPUS. */
export const MAX_MEMORY_MB = 1_073_741_824;
/** The most tasks that run at a time. */
export const MAX_RUNNING_TASKS = 5_000;
/** The most rules a placement spec brings along. */
export const MAX_RULES_OF_SPEC = 100;
/** The most rules of a cluster. */
export const MAX_RULES = 2_000;
/** The most groups of a cluster. */
export const MAX_GROUPS = 2_000;
/** The most VMs of a rule, and the most members of a group. */
export const MAX_MEMBERS = 10_000;
/** The most VMs and hosts that all rules and groups of a cluster name together, which is less than MAX_RULES times MAX_MEMBERS: a page of them is one message. */
export const MAX_MEMBERS_OF_CLUSTER = 500_000;
/** The most VMs of one PlaceVms. */
export const MAX_BATCH = 256;
/** The most verdicts of one answer: those of hosts with names of usual length fit MAX_ANSWER_BYTES. */
export const MAX_VERDICTS_OF_ANSWER = { full: 100_000, summary: 400_000 } as const;
/** The most bytes of one answer: as much as the clients of this program take; others take 4 MiB unless they are told to take more. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
