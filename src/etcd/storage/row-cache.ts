import type { KeyHistory } from "../key-index/key-history.js";

/** A larger row is not kept. */
const MAX_ROW_BYTES = 64 * 1024;
/** What a kept row costs besides its bytes: a Buffer and an entry of a Map. */
const ENTRY_BYTES = 200;

/**
 * Newest rows of the keys that are read or written most, within a limit of bytes. Two generations stand in for an order of use: what is used
 * moves to the young one, and when that holds half the limit, the old one is forgotten and the young one takes its place.
 *
 * Example with room for two rows each: a, b, c are put, c begins a new generation: old {a, b}, young {c}. a is read: old {b}, young {c, a}.
 * d is put: old {c, a}, young {d}; b is forgotten.
 */
export class RowCache {
  readonly #generationBytes: number;
  #young = new Map<KeyHistory, Buffer>();
  #old = new Map<KeyHistory, Buffer>();
  #youngBytes = 0;

  constructor(limitBytes: number) {
    this.#generationBytes = limitBytes / 2;
  }

  /** The newest row of a key, if it is here. */
  get(history: KeyHistory): Buffer | undefined {
    const young = this.#young.get(history);
    if (young !== undefined) return young;
    const old = this.#old.get(history);
    if (old !== undefined) {
      this.#old.delete(history);
      this.set(history, old);
    }
    return old;
  }

  /** Keeps the newest row of a key. */
  set(history: KeyHistory, row: Buffer): void {
    const bytes = row.length + ENTRY_BYTES;
    if (row.length > MAX_ROW_BYTES || bytes > this.#generationBytes) return;
    if (this.#youngBytes + bytes > this.#generationBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(history, row);
    this.#youngBytes += bytes;
  }

  /** Forgets a row, because its key has a newer one. */
  delete(history: KeyHistory): void {
    const young = this.#young.get(history);
    if (young === undefined) this.#old.delete(history);
    else {
      this.#young.delete(history);
      this.#youngBytes -= young.length + ENTRY_BYTES;
    }
  }
}
