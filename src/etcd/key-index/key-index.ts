import { KeyHistory } from "./key-history.js";
import type { Key, KeyRange } from "./key-range.js";
import { KeyTable } from "./key-table.js";

/** A block is split when it grows beyond this; insertion moves half a block on average. */
const MAX_BLOCK_KEYS = 512;

/**
 * All keys in byte order, each with its history: a hash table for exact keys, and sorted blocks of at most 512 keys for ranges.
 *
 * Example with blocks of 2: a b | d e. Inserting c makes a b c, which splits: a | b c | d e.
 */
export class KeyIndex {
  readonly #byKey = new KeyTable();
  readonly #blocks: KeyHistory[][] = [];
  /** The first key of each block, so that the search for a block touches nothing else. */
  readonly #firstKeys: Key[] = [];
  #size = 0;

  /** Number of keys, deleted ones whose deletion is not compacted included. */
  get size(): number {
    return this.#size;
  }

  get(key: Key): KeyHistory | undefined {
    return this.#byKey.get(key);
  }

  /** The history of a key; a new, empty one if there is none. */
  ensure(key: Key): KeyHistory {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const history = new KeyHistory(key);
    const at = this.#blockFor(key);
    const block = this.#blocks[at];
    this.#insert(at, block === undefined ? 0 : lowerBound(block, key), history);
    return history;
  }

  /** Adds a history whose key is above all others. */
  append(history: KeyHistory): void {
    const at = Math.max(0, this.#blocks.length - 1);
    this.#insert(at, this.#blocks[at]?.length ?? 0, history);
  }

  /** Takes a key out. */
  remove(key: Key): void {
    const at = this.#blockFor(key);
    const block = this.#blocks[at];
    const place = block === undefined ? 0 : lowerBound(block, key);
    if (block?.[place]?.key !== key) return;
    this.#size -= 1;
    this.#byKey.remove(key);
    block.splice(place, 1);
    if (block.length === 0) {
      this.#blocks.splice(at, 1);
      this.#firstKeys.splice(at, 1);
    } else if (place === 0) {
      this.#firstKeys[at] = (block[0] as KeyHistory).key;
    }
  }

  /** Calls `visit` for each key of a range in byte order until it returns false. The index must not change meanwhile. */
  visit(range: KeyRange, visit: (history: KeyHistory) => boolean): void {
    if (range.single) {
      const history = this.get(range.start);
      if (history !== undefined) visit(history);
      return;
    }
    const { end } = range;
    if (end !== undefined && end <= range.start) return;
    for (let at = this.#blockFor(range.start), from = -1; at < this.#blocks.length; at += 1) {
      const block = this.#blocks[at] as KeyHistory[];
      from = from < 0 ? lowerBound(block, range.start) : 0;
      for (let index = from; index < block.length; index += 1) {
        const history = block[index] as KeyHistory;
        if (end !== undefined && history.key >= end) return;
        if (!visit(history)) return;
      }
    }
  }

  /** Up to `count` histories from `from` on, for walks that pause while the index changes. */
  slice(from: Key, count: number): KeyHistory[] {
    const found: KeyHistory[] = [];
    this.visit({ start: from, end: undefined, single: false }, (history) => found.push(history) < count);
    return found;
  }

  #insert(at: number, place: number, history: KeyHistory): void {
    this.#size += 1;
    this.#byKey.add(history);
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([history]);
      this.#firstKeys.push(history.key);
      return;
    }
    if (place === block.length) block.push(history);
    else block.splice(place, 0, history);
    if (place === 0) this.#firstKeys[at] = history.key;
    if (block.length <= MAX_BLOCK_KEYS) return;
    // Keys that only grow fill the last block: leave the full one nearly full then.
    const cut = at === this.#blocks.length - 1 && place === block.length - 1 ? MAX_BLOCK_KEYS - 32 : MAX_BLOCK_KEYS / 2;
    const tail = block.splice(cut);
    this.#blocks.splice(at + 1, 0, tail);
    this.#firstKeys.splice(at + 1, 0, (tail[0] as KeyHistory).key);
  }

  /** Index of the last block whose first key is not above `key`; 0 if there is none. */
  #blockFor(key: Key): number {
    let low = 0;
    let high = this.#firstKeys.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#firstKeys[middle] as Key) <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first key that is not below `key`. */
function lowerBound(block: readonly KeyHistory[], key: Key): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((block[middle] as KeyHistory).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
