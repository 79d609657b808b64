import type { KeyHistory } from "./key-history.js";
import type { Key } from "./key-range.js";

/** Tables that grow one by one, so that no growth takes long; a power of 2. */
const SHARDS = 256;
const FIRST_SLOTS = 8;

/**
 * Histories by exact key: hash tables with linear probing, about 20 bytes a key where a Map costs 40 and ends at 16 million keys.
 *
 * Example of one shard with 8 slots: a, b, c hash to 3, 3, 4 and lie in slots 3, 4, 5. Removing a moves b to 3 and c to 4, for a search
 * ends at the first empty slot.
 */
export class KeyTable {
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => new Shard());

  get(key: Key): KeyHistory | undefined {
    const hash = hashOf(key);
    return this.#shard(hash).get(key, hash);
  }

  /** Adds a history whose key is not there yet. */
  add(history: KeyHistory): void {
    const hash = hashOf(history.key);
    this.#shard(hash).add(history, hash);
  }

  remove(key: Key): void {
    const hash = hashOf(key);
    this.#shard(hash).remove(key, hash);
  }

  #shard(hash: number): Shard {
    return this.#shards[hash >>> 24] as Shard;
  }
}

/** One table: histories, and beside each the hash of its key, so that other keys are told apart without being looked at. */
class Shard {
  #slots = emptySlots(FIRST_SLOTS);
  #hashes = new Uint32Array(FIRST_SLOTS);
  #used = 0;

  get(key: Key, hash: number): KeyHistory | undefined {
    return this.#slots[this.#find(key, hash)];
  }

  add(history: KeyHistory, hash: number): void {
    this.#place(history, hash);
    this.#used += 1;
    if (this.#used * 4 > this.#slots.length * 3) this.#grow();
  }

  remove(key: Key, hash: number): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    let hole = this.#find(key, hash);
    if (slots[hole] === undefined) return;
    this.#used -= 1;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const next = slots[at];
      if (next === undefined) break;
      // It may move back to the hole unless it begins its search behind it.
      const home = (hashes[at] as number) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = next;
      hashes[hole] = hashes[at] as number;
      hole = at;
    }
    slots[hole] = undefined;
  }

  /** The slot of a key, or the empty one where it would lie. */
  #find(key: Key, hash: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    let at = hash & mask;
    for (let history = slots[at]; history !== undefined && (hashes[at] !== hash || history.key !== key); history = slots[at]) at = (at + 1) & mask;
    return at;
  }

  #place(history: KeyHistory, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = hash & mask;
    while (slots[at] !== undefined) at = (at + 1) & mask;
    slots[at] = history;
    this.#hashes[at] = hash;
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = emptySlots(slots.length * 2);
    this.#hashes = new Uint32Array(slots.length * 2);
    for (let at = 0; at < slots.length; at += 1) {
      const history = slots[at];
      if (history !== undefined) this.#place(history, hashes[at] as number);
    }
  }
}

function emptySlots(count: number): (KeyHistory | undefined)[] {
  return Array.from<KeyHistory | undefined>({ length: count });
}

/** FNV-1a over the bytes of a key, stirred once more so that high and low bits are both good. */
function hashOf(key: Key): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
