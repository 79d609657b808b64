import { AlarmType } from "../gen/etcd/etcdserverpb/rpc.js";
import type { Alarms } from "./alarms.js";
import { etcdError } from "./errors.js";
import type { SpaceQuota } from "./space-quota.js";

/** Decides whether a write may come in: etcd's quota, which raises NOSPACE, and the two alarms, which stop writes until they are turned off. */
export class Admission {
  readonly #alarms: Alarms;
  readonly #quota: SpaceQuota;
  readonly #memberId: bigint;

  constructor(alarms: Alarms, quota: SpaceQuota, memberId: bigint) {
    this.#alarms = alarms;
    this.#quota = quota;
    this.#memberId = memberId;
  }

  /** Does `work` if a write of this cost may come in; otherwise throws or rejects with etcd's error. Cost 0 is a write that adds nothing. */
  admit<T>(costBytes: number, work: () => T | Promise<T>): T | Promise<T> {
    if (this.#quota.fits(costBytes)) return this.#pastAlarms(costBytes, work);
    return this.#admitIfMeasured(costBytes, work);
  }

  async #admitIfMeasured<T>(costBytes: number, work: () => T | Promise<T>): Promise<T> {
    if (await this.#quota.fitsOnDisk(costBytes)) return this.#pastAlarms(costBytes, work);
    await this.#alarms.activate(this.#memberId, AlarmType.NOSPACE);
    throw etcdError("noSpace");
  }

  #pastAlarms<T>(costBytes: number, work: () => T | Promise<T>): T | Promise<T> {
    if (this.#alarms.has(AlarmType.CORRUPT)) throw etcdError("corrupt");
    if (costBytes > 0 && this.#alarms.has(AlarmType.NOSPACE)) throw etcdError("noSpace");
    return work();
  }
}
