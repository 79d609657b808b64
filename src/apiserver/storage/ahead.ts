import type { Row } from "./backend.js";
import type { Stored, StoredText } from "./stored.js";

/** Keys that may be known newer than the watch. */
const KEY_LIMIT = 10_000;
/** Versions of one key that wait for the watch; what is older is read again from what it brings. */
const VERSION_LIMIT = 16;

/** What a key became. */
export interface Version {
  readonly revision: number;
  /** Absent: deleted. */
  readonly object?: Stored;
}

/**
 * What this server writes, wrote or learnt and its watch has not brought yet: own writes are seen at once, and what the watch brings of
 * them is not read a second time.
 *
 * Example: a key is written at 5 and at 7. The newest is what was written at 7; a row of revision 5 is the very object that was written
 * then, and once the watch has been at 7 nothing is left of the key.
 */
export class Ahead {
  /** By key, the one with the oldest newest version first. */
  readonly #versions = new Map<string, Version[]>();
  readonly #underWay = new Map<string, StoredText>();

  newest(key: string): Version | undefined {
    return this.#versions.get(key)?.at(-1);
  }

  /** The newest objects of the keys that begin with `part`. */
  *under(part: string): Iterable<Stored> {
    for (const [key, versions] of this.#versions) {
      const object = key.startsWith(part) ? versions.at(-1)!.object : undefined;
      if (object) yield object;
    }
  }

  /** Remembers a version that is newer than those known. */
  learn(key: string, version: Version): void {
    const versions = this.#versions.get(key) ?? [];
    if (versions.length > 0 && versions.at(-1)!.revision >= version.revision) return;
    this.#versions.delete(key);
    // Forgetting one costs at most a Txn that fails and is tried again.
    if (this.#versions.size >= KEY_LIMIT) for (const oldest of this.#versions.keys()) if (this.#versions.delete(oldest)) break;
    versions.push(version);
    if (versions.length > VERSION_LIMIT) versions.shift();
    this.#versions.set(key, versions);
  }

  /** The watch may bring this text before the store has answered. Ends with `answered`. */
  writing(key: string, text: StoredText): void {
    this.#underWay.set(key, text);
  }

  answered(key: string, text: StoredText): void {
    if (this.#underWay.get(key) === text) this.#underWay.delete(key);
  }

  /** The object of a row that holds what this server wrote. */
  objectOf(row: Row): Stored | undefined {
    const known = this.#versions.get(row.key)?.find((version) => version.revision === row.modRevision)?.object;
    if (known) return known;
    const text = this.#underWay.get(row.key);
    return text !== undefined && text.value === row.value ? text.at(row.key, row.modRevision) : undefined;
  }

  /** The watch has brought a key's change of that revision. */
  passed(key: string, revision: number): void {
    const versions = this.#versions.get(key);
    if (versions === undefined) return;
    const left = versions.filter((version) => version.revision > revision);
    if (left.length === 0) this.#versions.delete(key);
    else if (left.length < versions.length) this.#versions.set(key, left);
  }

  /** The watch is complete up to that revision: what was learnt of keys outside any shelf, or skipped by a list, is of no more use. */
  passedAll(revision: number): void {
    for (const [key, versions] of this.#versions) {
      if (versions.at(-1)!.revision > revision) break;
      this.#versions.delete(key);
    }
  }
}
