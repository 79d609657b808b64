import { Quantity } from "../base/quantity.js";
import type { ResourceQuota } from "../kubernetes/resource-policy.js";

/** What bounds a namespace's pool, and the quotas that say so; absent is unlimited. */
export interface QuotaLimits {
  readonly cpuLimitMhz?: number;
  readonly memoryLimitMb?: number;
  /** The quota of the smallest `limits.cpu`. */
  readonly cpuQuota?: ResourceQuota;
  /** The quota of the smallest `limits.memory`. */
  readonly memoryQuota?: ResourceQuota;
}

/** The contract counts MHz and MB in int32. */
const MOST = 2n ** 31n - 1n;
const BYTES_PER_MB = 1024n * 1024n;

/**
 * A namespace's quotas as limits of its resource pool: `limits.cpu` in cores of `coreMhz`, `limits.memory` in MB, both rounded up; of
 * several quotas the smallest counts. A quota with scopes bounds only some pods, so it bounds no pool. Requests become no reservation: a
 * Supervisor namespace's pool has none and none can be set ("vSphere Supervisor Namespace"); pods bring theirs.
 *
 * Example: limits.cpu 10 and limits.memory 5000Mi at 2600 MHz a core: 26000 MHz, 5000 MB.
 */
export function quotaLimits(quotas: readonly ResourceQuota[], coreMhz: number): QuotaLimits {
  const unscoped = quotas.filter(({ spec }) => (spec?.scopes ?? []).length === 0 && (spec?.scopeSelector?.matchExpressions ?? []).length === 0);
  const cpu = smallest(unscoped, "limits.cpu");
  const memory = smallest(unscoped, "limits.memory");
  return {
    ...(cpu === undefined ? {} : { cpuLimitMhz: atMost((cpu.amount.milliValue() * BigInt(coreMhz) + 999n) / 1000n), cpuQuota: cpu.quota }),
    ...(memory === undefined ? {} : { memoryLimitMb: atMost((memory.amount.value() + BYTES_PER_MB - 1n) / BYTES_PER_MB), memoryQuota: memory.quota }),
  };
}

function smallest(quotas: readonly ResourceQuota[], name: string): { readonly quota: ResourceQuota; readonly amount: Quantity } | undefined {
  let least: { readonly quota: ResourceQuota; readonly amount: Quantity } | undefined;
  for (const quota of quotas) {
    const text = quota.spec?.hard?.[name];
    if (text === undefined) continue;
    const amount = Quantity.parse(text);
    if (least === undefined || amount.compare(least.amount) < 0) least = { quota, amount };
  }
  return least;
}

function atMost(value: bigint): number {
  return Number(value > MOST ? MOST : value);
}
