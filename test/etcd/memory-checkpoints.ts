import type { CheckpointStore } from "../../src/etcd/storage/checkpoint-store.js";

/** A checkpoint in memory; its bytes can be looked at and spoilt. */
export class MemoryCheckpoints implements CheckpointStore {
  bytes: Buffer = Buffer.alloc(0);
  saves = 0;

  async *load(): AsyncIterable<Buffer> {
    await Promise.resolve();
    for (let at = 0; at < this.bytes.length; at += PIECE_BYTES) yield this.bytes.subarray(at, at + PIECE_BYTES);
  }

  async save(pieces: AsyncIterable<Buffer>): Promise<void> {
    const saved: Buffer[] = [];
    for await (const piece of pieces) saved.push(piece);
    this.bytes = Buffer.concat(saved);
    this.saves += 1;
  }
}

/** Odd, so that frames lie across pieces. */
const PIECE_BYTES = 1_001;
