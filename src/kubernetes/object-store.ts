import type { KubernetesObject } from "./object-meta.js";
import { objectKey } from "./object-meta.js";

/** The values under which an index files an object; none leaves it out. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** A reading copy of a collection, kept by an informer, with named indexes. Objects in it are never changed in place. */
export class ObjectStore<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { readonly valuesOf: IndexFunction<T>; readonly entries: Map<string, Set<string>> }>();

  get size(): number {
    return this.#objects.size;
  }

  /** By key (`namespace/name`), see `objectKey`. */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** Adds an index; the same name again is the same index. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index = { valuesOf, entries: new Map<string, Set<string>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) for (const value of valuesOf(object)) addTo(index.entries, value, key);
  }

  /** The objects an index files under a value. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`no index named ${name}`);
    return [...(index.entries.get(value) ?? [])].map((key) => this.#objects.get(key)!);
  }

  /** Puts the object in place and returns what stood there. */
  set(object: T): T | undefined {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const { valuesOf, entries } of this.#indexes.values()) {
      if (previous !== undefined) for (const value of valuesOf(previous)) removeFrom(entries, value, key);
      for (const value of valuesOf(object)) addTo(entries, value, key);
    }
    return previous;
  }

  delete(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    for (const { valuesOf, entries } of this.#indexes.values()) for (const value of valuesOf(previous)) removeFrom(entries, value, key);
    return previous;
  }
}

function addTo(entries: Map<string, Set<string>>, value: string, key: string): void {
  const keys = entries.get(value);
  if (keys === undefined) entries.set(value, new Set([key]));
  else keys.add(key);
}

function removeFrom(entries: Map<string, Set<string>>, value: string, key: string): void {
  const keys = entries.get(value);
  keys?.delete(key);
  if (keys?.size === 0) entries.delete(value);
}
