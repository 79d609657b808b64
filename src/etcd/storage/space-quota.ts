import type { LeaseGrantRequest, PutRequest, RequestOp, TxnRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { Table } from "./table.js";

/** Size beyond which etcd refuses writes by default (--quota-backend-bytes). */
const DEFAULT_QUOTA_BYTES = 2 * 1024 ** 3;
/** What etcd reckons for a key besides its name and value, and for a lease. */
const KEY_OVERHEAD_BYTES = 256;
const LEASE_BYTES = 64;

/** What a write costs in the quota, in bytes; 0 for one that adds nothing. Source: etcd server/etcdserver/quota.go. */
export const writeCost = {
  put: ({ key, value }: PutRequest): number => KEY_OVERHEAD_BYTES + key.length + value.length,
  /** The dearer of the two lists; nested transactions are not counted before etcd 3.7. */
  txn: ({ success, failure }: TxnRequest): number => Math.max(costOf(success), costOf(failure)),
  lease: (_request: LeaseGrantRequest): number => LEASE_BYTES,
};

function costOf(ops: readonly RequestOp[]): number {
  let bytes = 0;
  for (const { request } of ops) if (request?.$case === "requestPut") bytes += writeCost.put(request.value);
  return bytes;
}

/**
 * How large the database may become. Between two looks at the disk the costs of what was let through stand in for what it grew by, so that
 * most writes need no look; nobody is refused without one.
 */
export class SpaceQuota {
  readonly #table: Table;
  /** Infinity without a quota. */
  readonly limitBytes: number;
  #measuredBytes: number;
  #sinceBytes = 0;
  #measuring: Promise<void> | undefined;

  private constructor(table: Table, limitBytes: number, measuredBytes: number) {
    this.#table = table;
    this.limitBytes = limitBytes;
    this.#measuredBytes = measuredBytes;
  }

  /** `limitBytes` as etcd's flag: 0 is 2 GiB, below 0 there is no limit. */
  static async open(table: Table, limitBytes: number): Promise<SpaceQuota> {
    const limit = limitBytes < 0 ? Infinity : limitBytes === 0 ? DEFAULT_QUOTA_BYTES : limitBytes;
    return new SpaceQuota(table, limit, await table.sizeBytes());
  }

  /** Whether a write of this cost fits, as far as is known; then it is counted. */
  fits(costBytes: number): boolean {
    if (costBytes === 0) return true;
    if (this.#measuredBytes + this.#sinceBytes + costBytes >= this.limitBytes) return false;
    this.#sinceBytes += costBytes;
    return true;
  }

  /** The same after a look at the disk. */
  async fitsOnDisk(costBytes: number): Promise<boolean> {
    await (this.#measuring ??= this.#measure());
    return this.fits(costBytes);
  }

  async #measure(): Promise<void> {
    try {
      this.#measuredBytes = await this.#table.sizeBytes();
      this.#sinceBytes = 0;
    } finally {
      this.#measuring = undefined;
    }
  }
}
