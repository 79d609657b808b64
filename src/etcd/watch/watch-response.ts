import { type ResponseHeader, WatchResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { PreviousRow } from "./change.js";
import type { WaitingEvents } from "./watch-queue.js";

/** A response may be split where the client allows it when it is larger than this (etcd: max-request-bytes + 512 KiB). */
export const FRAGMENT_BYTES = 2 * 1024 * 1024;

/** The header of an answer at a revision. */
export type HeaderAt = (revision: number) => ResponseHeader;

/** A response without events: created, canceled, progress. */
export function encodeControl(header: ResponseHeader, fields: Partial<WatchResponse>): Buffer {
  return toBuffer(WatchResponse.encode({ ...WatchResponse.create(), header, ...fields }).finish());
}

/**
 * The messages that carry these events: one, or, where the client takes fragments, several of at most FRAGMENT_BYTES of whole events.
 * Events are appended as they were encoded for the first watcher; `events` is the last field, so the bytes are those of one encoding.
 */
export function encodeEvents({ watcher, revision, changes }: WaitingEvents, headerAt: HeaderAt, readPrevious: PreviousRow): Buffer[] {
  const { id: watchId, previous, fragment: mayFragment } = watcher.options;
  const header = headerAt(revision);
  const messages: Buffer[] = [];
  let events: Buffer[] = [];
  let bytes = 0;
  const finish = (fragment: boolean): void => {
    messages.push(Buffer.concat([encodeControl(header, { watchId, fragment }), ...events]));
    events = [];
    bytes = 0;
  };
  for (const change of changes) {
    const event = change.eventBytes(previous, readPrevious);
    if (mayFragment && events.length > 0 && bytes + event.length >= FRAGMENT_BYTES) finish(true);
    events.push(event);
    bytes += event.length;
  }
  finish(false);
  return messages;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
