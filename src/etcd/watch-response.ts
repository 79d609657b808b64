import { type ResponseHeader, WatchResponse } from "../gen/etcd/etcdserverpb/rpc.js";
import type { Change, PreviousRow } from "./change.js";

/** A response may be split where the client allows it when it is larger than this (etcd: max-request-bytes + 512 KiB). */
export const FRAGMENT_BYTES = 2 * 1024 * 1024;

/** The header of an answer at a revision. */
export type HeaderAt = (revision: number) => ResponseHeader;

/** Events for one watch that wait to be sent. */
export interface WaitingEvents {
  readonly watchId: bigint;
  /** Revision of the header. */
  readonly revision: number;
  readonly changes: readonly Change[];
  readonly previous: boolean;
  readonly fragment: boolean;
}

/** A response without events: created, canceled, progress. */
export function encodeControl(header: ResponseHeader, fields: Partial<WatchResponse>): Buffer {
  return toBuffer(WatchResponse.encode({ ...WatchResponse.create(), header, ...fields }).finish());
}

/**
 * The messages that carry these events: one, or, where the client takes fragments, several of at most FRAGMENT_BYTES of whole events.
 * Events are appended as they were encoded for the first watcher; `events` is the last field, so the bytes are those of one encoding.
 */
export function encodeEvents(waiting: WaitingEvents, headerAt: HeaderAt, readPrevious: PreviousRow): Buffer[] {
  const header = headerAt(waiting.revision);
  const messages: Buffer[] = [];
  let events: Buffer[] = [];
  let bytes = 0;
  const finish = (fragment: boolean): void => {
    messages.push(Buffer.concat([encodeControl(header, { watchId: waiting.watchId, fragment }), ...events]));
    events = [];
    bytes = 0;
  };
  for (const change of waiting.changes) {
    const event = change.eventBytes(waiting.previous, readPrevious);
    if (waiting.fragment && events.length > 0 && bytes + event.length >= FRAGMENT_BYTES) finish(true);
    events.push(event);
    bytes += event.length;
  }
  finish(false);
  return messages;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
