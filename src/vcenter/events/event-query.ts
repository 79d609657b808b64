import type { Clock } from "../../base/clock.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import type { Event, EventFilter } from "../../gen/spheresim/vcenter/v1/event.js";
import { VimFault } from "../vim-fault.js";
import type { EventLog } from "./event-log.js";
import { isEventType } from "./event-type.js";

/** One step of following events. */
export type EventStep = { readonly token: string } & ({ readonly kind: "event"; readonly event: Event } | { readonly kind: "synced" | "bookmark" });

/** When those who follow events get a bookmark. */
interface BookmarkTimes {
  readonly monotonic: Clock;
  readonly bookmarkMs: number;
  readonly passedBookmarkMs: number;
}

/** Refuses what no event can fit, instead of answering nothing for a slip of the pen. Throws InvalidArgument. */
export function checkFilter(filter: EventFilter | undefined): EventFilter | undefined {
  const unknown = filter?.types.findIndex((type) => !isEventType(type)) ?? -1;
  if (unknown !== -1) throw VimFault.invalidArgument(`filter.types[${unknown}]`, `"${filter?.types[unknown]}" is no type of event`);
  if (filter?.entity?.value === "") throw VimFault.invalidArgument("filter.entity", "names no object");
  if (isBefore(filter?.endTime, filter?.beginTime)) throw VimFault.invalidArgument("filter.end_time", "is before begin_time");
  return filter;
}

/** Whether an event is asked for. vim25 type: EventFilterSpec. */
export function isWanted(event: Event, filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true;
  const { entity, types, beginTime, endTime, eventChainId } = filter;
  if (eventChainId !== 0 && event.chainId !== eventChainId) return false;
  if (types.length > 0 && !types.some((type) => type === "Event" || type === event.type || event.baseTypes.includes(type))) return false;
  if (entity !== undefined && !isAbout(event, entity.value)) return false;
  return !(isBefore(event.createdTime, beginTime) || isBefore(endTime, event.createdTime));
}

/** The events kept that are asked for, oldest first. */
export function queryEvents(log: EventLog, filter: EventFilter | undefined): Event[] {
  const events: Event[] = [];
  for (let key = log.oldest; key <= log.last; key += 1) {
    const event = log.get(key);
    if (event !== undefined && isWanted(event, filter)) events.push(event);
  }
  return events;
}

/**
 * Follows events: those kept (with an empty token) or since a token, then SYNCED, then each as it comes. A token is
 * `<epoch>-<key of the last event looked at>`. A reader that falls behind by more than the log keeps gets InvalidCollectorVersion.
 * A bookmark comes when for `bookmarkMs` no event came, and for an event that was not asked for `passedBookmarkMs` or more after the last step.
 */
export async function* followEvents(
  log: EventLog,
  options: { readonly epoch: bigint; readonly filter: EventFilter | undefined; readonly resumeToken: string; readonly signal: AbortSignal } & BookmarkTimes,
): AsyncGenerator<EventStep, void> {
  const { epoch, filter, signal, monotonic, passedBookmarkMs } = options;
  const token = (key: number): string => `${epoch}-${key}`;
  let position = options.resumeToken === "" ? log.oldest - 1 : parse(options.resumeToken, epoch, log);
  const start = log.last;
  let synced = false;
  let toldMs = 0;
  while (!signal.aborted) {
    if (position + 1 < log.oldest) throw VimFault.invalidCollectorVersion(token(log.oldest - 1));
    if (!synced && position >= start) {
      synced = true;
      yield { kind: "synced", token: token(position) };
      toldMs = monotonic.nowMs();
    } else if (position < log.last) {
      position += 1;
      const event = log.get(position);
      const wanted = event !== undefined && isWanted(event, filter);
      if (!wanted && !(synced && monotonic.nowMs() - toldMs >= passedBookmarkMs)) continue;
      yield wanted ? { kind: "event", event, token: token(position) } : { kind: "bookmark", token: token(position) };
      toldMs = monotonic.nowMs();
    } else if (!(await comes(log, options))) {
      if (!signal.aborted) yield { kind: "bookmark", token: token(position) };
    }
  }
}

/** Whether an event came before the time of the next bookmark. */
async function comes(log: EventLog, { signal, monotonic, bookmarkMs }: { readonly signal: AbortSignal } & BookmarkTimes): Promise<boolean> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const pause = monotonic.sleep(bookmarkMs, over.signal).then(
      () => false,
      () => false,
    );
    return await Promise.race([log.next(over.signal), pause]);
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
  }
}

function parse(text: string, epoch: bigint, log: EventLog): number {
  const match = /^(\d{1,18})-(\d{1,15})$/.exec(text);
  if (match === null) throw VimFault.invalidArgument("resume_token", `"${text}" is no token of this service`);
  const key = Number(match[2]);
  if (BigInt(match[1] ?? "0") !== epoch || key + 1 < log.oldest || key > log.last) throw VimFault.invalidCollectorVersion(`${epoch}-${log.oldest - 1}`);
  return key;
}

function isAbout(event: Event, moid: string): boolean {
  return [event.vm, event.host, event.sourceHost, event.computeResource, event.resourcePool].some((argument) => argument?.ref?.value === moid);
}

function isBefore(left: Timestamp | undefined, right: Timestamp | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.seconds < right.seconds || (left.seconds === right.seconds && left.nanos < right.nanos);
}
