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

  /** `json`: the object's JSON where it is known already. */
  constructor(key: string, revision: number, object: ApiObject, json?: string) {
    this.key = key;
    this.revision = revision;
    this.object = object;
    this.#json = json;
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

/**
 * What is written for an object: everything but its resourceVersion. The object as it reads once written is the same text with the
 * version put in, so that an object is serialised once for the store, the answer and all watches.
 *
 * Worked example: `{"kind":"Pod","metadata":{"name":"a"},"spec":{}}` at revision 7 reads
 * `{"kind":"Pod","metadata":{"name":"a","resourceVersion":"7"},"spec":{}}`.
 */
export class StoredText {
  readonly value: string;
  /** Where metadata's closing brace stands in `value`. */
  readonly #metadataEnd: number;
  readonly #object: ApiObject;
  #written: Stored | undefined;

  constructor(object: ApiObject) {
    this.#object = object;
    const { resourceVersion: _, ...metadata } = object.metadata;
    let text = "{";
    let metadataEnd = 0;
    for (const [key, part] of Object.entries(object)) {
      const json: string | undefined = JSON.stringify(key === "metadata" ? metadata : part);
      if (json === undefined) continue;
      text += `${text === "{" ? "" : ","}${JSON.stringify(key)}:${json}`;
      if (key === "metadata") metadataEnd = text.length - 1;
    }
    this.value = `${text}}`;
    this.#metadataEnd = metadataEnd;
  }

  /** The object as it reads after the write of that revision: one and the same, whoever asks. */
  at(key: string, revision: number): Stored {
    if (this.#written?.key === key && this.#written.revision === revision) return this.#written;
    const { metadata } = this.#object;
    const comma = this.value[this.#metadataEnd - 1] === "{" ? "" : ",";
    const json = `${this.value.slice(0, this.#metadataEnd)}${comma}"resourceVersion":"${revision}"${this.value.slice(this.#metadataEnd)}`;
    this.#written = new Stored(key, revision, { ...this.#object, metadata: { ...metadata, resourceVersion: String(revision) } }, json);
    return this.#written;
  }
}
