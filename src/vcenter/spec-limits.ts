/** The largest int32: MHz, MB and shares end here. */
export const MAX_INT32 = 2_147_483_647;
/** The smallest amount and the step of a VM's memory, MB. */
export const MIN_MEMORY_MB = 4;
/** The most VMs of one PlaceVms. */
export const MAX_BATCH = 256;
