import type { Clock } from "../../base/clock.js";
import type { Event, EventUpdate } from "../../gen/spheresim/vcenter/v1/event.js";
import { EventServiceService } from "../../gen/spheresim/vcenter/v1/event_service.js";
import { serve, type ServedService } from "../../rpc/server.js";
import { toRpcError } from "../errors.js";
import type { EventLog } from "../events/event-log.js";
import { checkFilter, type EventStep, followEvents, queryEvents } from "../events/event-query.js";
import type { Pages } from "../inventory/pages.js";
import { answering, BOOKMARK_MS, PASSED_BOOKMARK_MS } from "./answering.js";

/** What the service works with. */
export interface EventServiceOptions {
  readonly log: EventLog;
  readonly epoch: bigint;
  readonly eventPages: Pages<Event>;
  readonly monotonic: Clock;
}

/** EventService on the wire. */
export function eventService({ log, epoch, eventPages, monotonic }: EventServiceOptions): ServedService {
  return serve(EventServiceService, {
    queryEvents: answering((request) => {
      const filter = checkFilter(request.filter);
      const { items, nextPageToken } = eventPages.page(request, () => queryEvents(log, filter));
      return { events: [...items], nextPageToken };
    }),
    watchEvents: async (request, stream, call) => {
      try {
        const filter = checkFilter(request.filter);
        const steps = followEvents(log, { epoch, filter, resumeToken: request.resumeToken, signal: call.signal, monotonic, bookmarkMs: BOOKMARK_MS, passedBookmarkMs: PASSED_BOOKMARK_MS });
        for await (const step of steps) await stream.write(eventUpdate(step));
      } catch (error) {
        throw toRpcError(error);
      }
    },
  });
}

function eventUpdate(step: EventStep): EventUpdate {
  const resumeToken = step.token;
  if (step.kind === "event") return { resumeToken, update: { $case: "event", value: step.event } };
  return { resumeToken, update: { $case: step.kind, value: {} } };
}
