import type { IncomingMessage, ServerResponse } from "node:http";
import { monotonicClock } from "../base/clock.js";

/** What an HTTP/1.1 client may take. etcd has the limit in number alone: its Go server waits for slow clients as long as it lives. */
export interface HttpLimits {
  /** A connection that says nothing for so long is none of ours. */
  readonly firstBytesMs: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number;
  /** For the first JSON value of a call of the gateway. */
  readonly requestMs: number;
  /** Between two requests; longer than the 90 s of Go's client, so that it is the client who ends an idle connection. */
  readonly idleMs: number;
  /** How often `headersMs` is looked after. */
  readonly checkMs: number;
  /** How long a client may leave a large answer unread. */
  readonly stallMs: number;
  /** How long a client that was answered before it had said all may take to read the answer. */
  readonly lingerMs: number;
  /** Connections of one listener, of whatever protocol; those beyond are closed. */
  readonly maxConnections: number;
}

export const HTTP_LIMITS: HttpLimits = { firstBytesMs: 30_000, headersMs: 30_000, requestMs: 60_000, idleMs: 120_000, checkMs: 10_000, stallMs: 60_000, lingerMs: 500, maxConnections: 65_536 };

/** Ends the connection of a request that was answered before it was over, a moment later, as Go does: the rest might never come. */
export function cutUnfinished(request: IncomingMessage, response: ServerResponse, { lingerMs }: HttpLimits): void {
  response.once("finish", () => {
    if (request.complete) return;
    const { socket } = request;
    const limit = monotonicClock().timer(lingerMs, () => {
      if (!request.complete) socket.destroy();
    });
    socket.once("close", () => limit.cancel());
  });
}
