import type { ApiObject } from "../object.js";
import type { Row } from "./backend.js";

/**
 * An object as read from the store, frozen by convention: whoever wants to change it clones it first.
 *
 * What is stored has no resourceVersion; the row's modification revision is put in when it is read.
 */
export class Stored {
  readonly key: string;
  readonly revision: number;
  readonly object: ApiObject;
  #json: string | undefined;

  constructor(key: string, revision: number, object: ApiObject) {
    this.key = key;
    this.revision = revision;
    this.object = object;
  }

  /** The object as JSON, serialised once however many watches send it. */
  get json(): string {
    return (this.#json ??= JSON.stringify(this.object));
  }

  /** The same content at another revision: a deletion is announced with the revision that deleted. */
  at(revision: number): Stored {
    return new Stored(this.key, revision, { ...this.object, metadata: { ...this.object.metadata, resourceVersion: String(revision) } });
  }

  static fromRow(row: Row): Stored {
    const object = JSON.parse(row.value) as ApiObject;
    object.metadata.resourceVersion = String(row.modRevision);
    return new Stored(row.key, row.modRevision, object);
  }
}

/** What is written for an object: everything but its resourceVersion. */
export function storedText(object: ApiObject): string {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
}
