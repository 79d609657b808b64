import type { Change } from "./change.js";
import { inRange, type KeyRange } from "../key-index/key-range.js";
import type { QueuedWatch, WaitingEvents } from "./watch-queue.js";

/** What a watch asked for. */
export interface WatcherOptions {
  readonly id: bigint;
  readonly range: KeyRange;
  /** First revision wanted. */
  readonly startRevision: number;
  readonly previous: boolean;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  readonly skipPuts: boolean;
  readonly skipDeletes: boolean;
}

/**
 * One watch. It is either `synced` (told of each commit by the hub as it happens) or behind: then `nextRevision` is where its stream
 * has to go on reading.
 */
export class Watcher implements QueuedWatch {
  readonly options: WatcherOptions;
  /** Everything below has been queued for the client, or is not for it. Only kept up to date while behind. */
  nextRevision: number;
  synced = false;
  lastQueued: WaitingEvents | undefined;
  /** Something was queued since the last progress tick. */
  active = false;
  /** Called by the hub with the changes of a commit that lie in the range. */
  readonly onCommit: (watcher: Watcher, revision: number, changes: readonly Change[]) => void;

  constructor(options: WatcherOptions, onCommit: Watcher["onCommit"]) {
    this.options = options;
    this.nextRevision = options.startRevision;
    this.onCommit = onCommit;
  }

  /** Whether a change lies in the range and is of a kind that the filters let through. */
  wants(change: Change): boolean {
    return inRange(this.options.range, change.key) && this.wantsKind(change);
  }

  /** Whether the filters let a change through. */
  wantsKind(change: Change): boolean {
    return change.tombstone ? !this.options.skipDeletes : !this.options.skipPuts;
  }
}
