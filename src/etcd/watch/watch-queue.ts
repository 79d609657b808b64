import type { Change } from "./change.js";

/** Answers and lists of events that may wait, besides one list for each watch; events beyond are forgotten and read again later. */
export const MAX_WAITING = 128;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Changes that may wait, and more of them for each watch. */
const MAX_WAITING_CHANGES = 8_192;
const MAX_CHANGES_PER_WATCH = 512;
/** What a list may hold before another one begins. */
const MAX_MERGED_CHANGES = 512;
const MAX_MERGED_BYTES = 64 * 1024;

/** What the queue needs of a watch. */
export interface QueuedWatch {
  readonly options: { readonly id: bigint; readonly previous: boolean; readonly fragment: boolean };
  /** What was queued for it last, as long as that waits. */
  lastQueued: WaitingEvents | undefined;
}

/** Events for one watch that wait to be sent in one response: those of one revision, or of several that came while it waited. */
export class WaitingEvents {
  readonly watcher: QueuedWatch;
  /** Revision of the header. */
  revision: number;
  /** Bytes of the rows. */
  bytes = 0;
  /** Answers that were queued before it. */
  readonly behindControls: number;
  #changes: readonly Change[] | Change[];
  /** The list was made here and no other watch has it. */
  #own = false;
  sent = false;

  constructor(watcher: QueuedWatch, revision: number, changes: readonly Change[], behindControls: number) {
    this.watcher = watcher;
    this.revision = revision;
    this.#changes = changes;
    this.behindControls = behindControls;
    for (const { row } of changes) this.bytes += row.length;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  /** Adds the changes of the next revision; returns their bytes. */
  add(revision: number, changes: readonly Change[]): number {
    if (!this.#own) {
      this.#changes = [...this.#changes];
      this.#own = true;
    }
    let bytes = 0;
    for (const change of changes) {
      (this.#changes as Change[]).push(change);
      bytes += change.row.length;
    }
    this.revision = revision;
    this.bytes += bytes;
    return bytes;
  }
}

/** What waits to be sent: an encoded answer or events. */
export type Waiting = Buffer | WaitingEvents;

/**
 * What one stream of watches still has to send, in order. Events of a watch join those of it that wait already, so that a client that
 * cannot keep up gets fewer and larger responses; but they never pass an answer that was queued between, because a progress notice means
 * that everything up to it has been sent.
 *
 * Worked example: for watch a come revisions 2 and 3, for b 3, then a progress notice at 3, then revision 4 for a: the queue is
 * a[2 3] b[3] notice a[4].
 */
export class WatchQueue {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #changes = 0;
  #controls = 0;
  #controlsEver = 0;

  get length(): number {
    return this.#waiting.length;
  }

  /** Answers among them. */
  get controls(): number {
    return this.#controls;
  }

  /** Queues an answer. */
  control(message: Buffer): void {
    this.#waiting.push(message);
    this.#bytes += message.length;
    this.#controls += 1;
    this.#controlsEver += 1;
  }

  /** Queues the changes of a revision for one of `watches`; false if there is no room for them. */
  offer(watcher: QueuedWatch, revision: number, changes: readonly Change[], watches: number): boolean {
    if (this.#bytes >= MAX_WAITING_BYTES || this.#changes >= MAX_WAITING_CHANGES + MAX_CHANGES_PER_WATCH * watches) return false;
    const last = watcher.lastQueued;
    if (last !== undefined && !last.sent && last.behindControls === this.#controlsEver && last.bytes < MAX_MERGED_BYTES && last.changes.length < MAX_MERGED_CHANGES) {
      this.#bytes += last.add(revision, changes);
      this.#changes += changes.length;
      return true;
    }
    if (this.#waiting.length >= MAX_WAITING + watches) return false;
    this.events(watcher, revision, changes);
    return true;
  }

  /** Queues changes that were read for this. */
  events(watcher: QueuedWatch, revision: number, changes: readonly Change[]): void {
    const events = new WaitingEvents(watcher, revision, changes, this.#controlsEver);
    watcher.lastQueued = events;
    this.#waiting.push(events);
    this.#bytes += events.bytes;
    this.#changes += changes.length;
  }

  /** Takes what is to be sent next; there must be something. */
  take(): Waiting {
    const next = this.#waiting.shift() as Waiting;
    if (Buffer.isBuffer(next)) {
      this.#bytes -= next.length;
      this.#controls -= 1;
    } else {
      next.sent = true;
      this.#bytes -= next.bytes;
      this.#changes -= next.changes.length;
      if (next.watcher.lastQueued === next) next.watcher.lastQueued = undefined;
    }
    return next;
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = this.#changes = this.#controls = 0;
  }
}
