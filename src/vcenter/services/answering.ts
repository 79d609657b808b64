import type { Call } from "../../rpc/server.js";
import type { StreamWriter } from "../../rpc/stream-writer.js";
import type { ChangeFeed, FeedUpdate } from "../inventory/change-feed.js";
import { toRpcError } from "../errors.js";
import type { Clock } from "../../base/clock.js";

/** A unary handler whose vim25 faults become the call's status. */
export function answering<Req, Res>(work: (request: Req, call: Call) => Promise<Res> | Res): (request: Req, call: Call) => Promise<Res> {
  return async (request, call) => {
    try {
      return await work(request, call);
    } catch (error) {
      throw toRpcError(error);
    }
  };
}

/** A quiet watch gets a bookmark after so long. */
export const BOOKMARK_MS = 10_000;

/** So long after the last update, a change that a watch did not ask for brings it a bookmark, so that its token does not age. */
export const PASSED_BOOKMARK_MS = 1_000;

/** Sends a feed over a stream until the caller leaves; `message` answers undefined for what this watch did not ask for. */
export async function sendFeed<T, Update>(
  feed: ChangeFeed<T>,
  resumeToken: string,
  options: { readonly stream: StreamWriter<Update>; readonly call: Call; readonly monotonic: Clock; readonly gatherMs?: number; readonly message: (update: FeedUpdate<T>) => Update | undefined },
): Promise<void> {
  const { stream, call, monotonic, gatherMs, message } = options;
  let synced = false;
  let sentMs = 0;
  try {
    for await (const update of feed.watch(resumeToken, { signal: call.signal, monotonic, bookmarkMs: BOOKMARK_MS, gatherMs })) {
      synced ||= update.kind === "synced";
      let sent = message(update);
      if (sent === undefined && synced && monotonic.nowMs() - sentMs >= PASSED_BOOKMARK_MS) sent = message({ kind: "bookmark", token: update.token });
      if (sent === undefined) continue;
      await stream.write(sent);
      sentMs = monotonic.nowMs();
    }
  } catch (error) {
    throw toRpcError(error);
  }
}
