import { NOTHING } from "../drs/amount.js";
import type { Claim } from "../drs/ledger.js";
import type { VmRecord } from "../store/records.js";

/** The second claim of a VM that migrates, in the ledger. */
export function otherClaimId(vm: string): string {
  return `migration:${vm}`;
}

/**
 * What a VM claims: its reservation where it runs or should run, else nothing. One that migrates claims it of the other host too, from the
 * beginning to the end; one that is powered on by the way claims it of the target alone. Its pool is charged once. `claimOf` says what it
 * claims of one host.
 */
export function claimsOf(vm: VmRecord, claimOf: (vm: VmRecord) => Claim): readonly [own: Claim | undefined, other: Claim | undefined] {
  const { migration } = vm;
  if (migration?.powerOn === true) return [claimOf({ ...vm, host: migration.target }), undefined];
  if (!vm.wantedOn && !vm.isOn) return [undefined, undefined];
  const own = claimOf(vm);
  if (migration === undefined) return [own, undefined];
  const arrives = vm.host === migration.source;
  const other = claimOf({ ...vm, host: arrives ? migration.target : migration.source, isOn: false });
  return [own, { ...other, pool: undefined, demand: arrives ? other.demand : NOTHING }];
}
