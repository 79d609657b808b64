import { RpcCode, RpcError } from "../../base/rpc-error.js";

/** Largest message that Go's gRPC sends, and with it etcd. */
const MAX_SEND_BYTES = 2 ** 31 - 1;
/** Pairs of one answer; each takes a place in memory however often the same row is asked for. */
const MAX_PAIRS = 10_000_000;

/**
 * How large the answer to one call grows: a Txn may ask for everything there is as often as it has operations, which must not take more
 * memory than there is. Beyond the limit ranges add nothing, and when all is done the caller hears of it. What a Txn wrote stays written,
 * as in etcd, which finds out even later.
 */
export class AnswerSize {
  #bytes = 0;
  #pairs = 0;

  /** The rows, which are part of the answer now; none when it is too large. */
  take(rows: readonly Buffer[]): readonly Buffer[] {
    this.#pairs += rows.length;
    for (const row of rows) this.#bytes += row.length;
    return this.#bytes > MAX_SEND_BYTES || this.#pairs > MAX_PAIRS ? [] : rows;
  }

  /** Throws gRPC's error if the answer is too large to be sent. */
  check(): void {
    if (this.#bytes > MAX_SEND_BYTES) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `grpc: trying to send message larger than max (${this.#bytes} vs. ${MAX_SEND_BYTES})`);
    if (this.#pairs > MAX_PAIRS) throw new RpcError(RpcCode.RESOURCE_EXHAUSTED, `trying to send more pairs than max (${this.#pairs} vs. ${MAX_PAIRS})`);
  }
}
