import { AlarmType } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { Alarms } from "../member/alarms.js";
import { etcdError } from "../errors.js";
import type { SpaceQuota } from "../storage/space-quota.js";

/** A write that wants to come in. */
export interface Write<T> {
  /** What it costs in the quota; 0 if it adds nothing. */
  readonly costBytes: number;
  /** Throws what can be said against the request without looking at the store. */
  readonly validate: () => void;
  readonly work: () => T | Promise<T>;
}

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

  /** Does a write, if it may come in; otherwise throws or rejects with etcd's error. */
  admit<T>(write: Write<T>): T | Promise<T> {
    if (this.#quota.fits(write.costBytes)) return this.#pastAlarms(write);
    return this.#admitIfMeasured(write);
  }

  async #admitIfMeasured<T>(write: Write<T>): Promise<T> {
    if (await this.#quota.fitsOnDisk(write.costBytes)) return this.#pastAlarms(write);
    await this.#alarms.activate(this.#memberId, AlarmType.NOSPACE);
    throw etcdError("noSpace");
  }

  #pastAlarms<T>(write: Write<T>): T | Promise<T> {
    const refusal = this.#alarms.has(AlarmType.CORRUPT) ? "corrupt" : write.costBytes > 0 && this.#alarms.has(AlarmType.NOSPACE) ? "noSpace" : undefined;
    if (refusal === undefined) return write.work();
    // etcd hears of a wrong request before it hears of its alarms.
    write.validate();
    throw etcdError(refusal);
  }
}
