/** How short of free memory a host is, from 0, not at all. The numbers are those of ESXi's performance counter mem.state. */
export const MemoryState = { HIGH: 0, SOFT: 1, HARD: 2, LOW: 3 } as const;

/**
 * Free memory at the borders of the states, as parts of a host's memory: high 6 %, soft 4 %, hard 2 %, low 1 % (C. Waldspurger, Memory Resource
 * Management in VMware ESX Server; vSphere Resource Management Guide). Newer ESXi keeps less free on large hosts; this does not.
 */
export const FREE_AT = { high: 0.06, soft: 0.04, hard: 0.02, low: 0.01 } as const;

/** So much of a VM's configured memory its balloon can hold at most: Mem.CtlMaxPercent, 65 % (vSphere Resource Management Guide). */
export const MAX_BALLOON = 0.65;
