import { WatchCreateRequest_FilterType } from "../../../src/gen/etcd/etcdserverpb/rpc.js";
import type { Event } from "../../../src/gen/etcd/mvccpb/kv.js";
import { Event_EventType } from "../../../src/gen/etcd/mvccpb/kv.js";
import { latin1 } from "./operation.js";
import type { WatchFields } from "./step.js";

/**
 * What one watch has to deliver, worked out from the whole history.
 *
 * Example: a put at 2, a and b put at 3, b deleted at 4; a watch of [a, c) from 3 without deletions expects a@3, b@3.
 */
export class WatchExpectation {
  readonly events: Event[] = [];
  /** The first of `events` that nobody has looked at. */
  checked = 0;
  readonly #wants: (event: Event) => boolean;
  readonly #prevKv: boolean;

  /** `start`: the first revision wanted. */
  constructor(fields: WatchFields, start: number) {
    const inRange = rangeTest(fields);
    const types = new Set([...(fields.filters.includes(WatchCreateRequest_FilterType.NOPUT) ? [] : [Event_EventType.PUT]), ...(fields.filters.includes(WatchCreateRequest_FilterType.NODELETE) ? [] : [Event_EventType.DELETE])]);
    this.#wants = ({ type, kv }) => kv !== undefined && Number(kv.modRevision) >= start && types.has(type) && inRange(kv.key);
    this.#prevKv = fields.prevKv ?? false;
  }

  /** Tells of events that happened, in order; pairs before `compactRevision` can no longer be told. */
  happened(events: readonly Event[], compactRevision: number): void {
    for (const event of events) {
      if (!this.#wants(event)) continue;
      const told = this.#prevKv && Number(event.kv?.modRevision) > compactRevision;
      this.events.push(told ? event : { ...event, prevKv: undefined });
    }
  }
}

/** Whether the server refuses the range. */
export function emptyRange({ key, rangeEnd = "" }: WatchFields): boolean {
  return rangeEnd !== "" && rangeEnd !== "\0" && rangeEnd <= (key === "" ? "\0" : key);
}

function rangeTest({ key, rangeEnd = "" }: WatchFields): (key: Buffer) => boolean {
  const start = latin1(key === "" ? "\0" : key);
  if (rangeEnd === "") return (candidate) => candidate.equals(start);
  if (rangeEnd === "\0") return (candidate) => Buffer.compare(candidate, start) >= 0;
  const end = latin1(rangeEnd);
  return (candidate) => Buffer.compare(candidate, start) >= 0 && Buffer.compare(candidate, end) < 0;
}

/** Of history from the compaction point on, what a compaction there leaves: at the point itself only the last change of each key. */
export function leftByCompaction(events: readonly Event[], compactRevision: number): Event[] {
  const last = new Map<string, Event>();
  for (const event of events) if (Number(event.kv?.modRevision) === compactRevision) last.set(event.kv?.key.toString("latin1") ?? "", event);
  return events.filter((event) => {
    const revision = Number(event.kv?.modRevision);
    return revision > compactRevision || (revision === compactRevision && last.get(event.kv?.key.toString("latin1") ?? "") === event);
  });
}
