import type { Clock } from "../../base/clock.js";
import { BoundedQueue } from "../../base/bounded-queue.js";
import { RpcError } from "../../base/rpc-error.js";
import { WatchCreateRequest, WatchResponse } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { WatchHub } from "../watch/watch-hub.js";
import type { HeaderAt } from "../watch/watch-response.js";
import { WatchStream } from "../watch/watch-stream.js";

/** What a watch of the server's own stands on. */
export interface OwnWatchOptions {
  readonly hub: WatchHub;
  readonly clock: Clock;
  readonly headerAt: HeaderAt;
}

/** Such a watch never asks for progress notices. */
const NO_PROGRESS_MS = Number.MAX_SAFE_INTEGER;

/**
 * A watch as a client has it, without a wire: what its reader does not take stays in the log. Ends when `signal` aborts or the loop is
 * left. Whether the keys may be read is for the caller to have found out.
 */
export async function* ownWatch(options: OwnWatchOptions, request: Partial<WatchCreateRequest>, signal: AbortSignal): AsyncGenerator<WatchResponse, void> {
  const answers = new BoundedQueue<Buffer>(1, "refuse");
  const stream = new WatchStream({
    ...options,
    progressIntervalMs: NO_PROGRESS_MS,
    send: async (message) => {
      if (!(await answers.put(message))) throw RpcError.cancelled("the watch has ended");
    },
  });
  const close = (): void => {
    stream.close();
    answers.close();
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) return;
    stream.create(WatchCreateRequest.create(request));
    stream.run().catch((error: unknown) => answers.close(error as Error));
    for await (const message of answers) yield WatchResponse.decode(message);
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
