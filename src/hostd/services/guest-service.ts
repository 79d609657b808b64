import type { BoundedQueue } from "../../base/bounded-queue.js";
import { RpcCode, RpcError } from "../../base/rpc-error.js";
import type { GuestToHost, HostToGuest } from "../../gen/spheresim/hostd/v1/guest.js";
import { GuestServiceService } from "../../gen/spheresim/hostd/v1/guest_service.js";
import { serve, type ServedService, type StreamWriter } from "../../rpc/server.js";
import type { Logger } from "../../base/log.js";
import type { EsxiProcess } from "../esxi-process.js";

/** The channel to the machine process that runs the guests; not by `:authority`, one stream serves all hosts. */
export function guestService(esxi: EsxiProcess, log: Logger): ServedService {
  return serve(GuestServiceService, {
    connect: async (requests, stream, call) => {
      let queue: BoundedQueue<HostToGuest> | undefined;
      let sending: Promise<void> | undefined;
      try {
        const words = requests[Symbol.asyncIterator]();
        const first = await words.next();
        if (first.done === true) return;
        const hello = first.value.message;
        if (hello?.$case !== "hello") throw RpcError.invalidArgument("the first message must be hello", { field: "message", description: "must be hello" });
        log.debug({ peer: hello.value.name, guests: hello.value.guests.length }, "a machine process connected");
        queue = esxi.guestsHere(hello.value);
        sending = send(queue, stream);
        const reading = read(words, esxi);
        await Promise.race([sending.then(() => Promise.reject(overError(esxi))), reading, aborted(call.signal)]);
      } finally {
        if (queue !== undefined) esxi.guestsGone(queue);
        // Ends with the queue; its error, if any, has been seen above.
        await sending?.catch(() => undefined);
      }
    },
  });
}

/** Why nothing is said any more to a machine process that still listens. */
function overError(esxi: EsxiProcess): RpcError {
  return esxi.poweredDown ? RpcError.unavailable("the host is shutting down") : new RpcError(RpcCode.ABORTED, "another machine process took over");
}

/** Rejects when the call is over; a stream of requests alone would wait for its client. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : RpcError.cancelled("the call is over"));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

async function send(queue: BoundedQueue<HostToGuest>, stream: StreamWriter<HostToGuest>): Promise<void> {
  for await (const word of queue) await stream.write(word);
}

async function read(words: AsyncIterator<GuestToHost>, esxi: EsxiProcess): Promise<void> {
  for (let word = await words.next(); word.done !== true; word = await words.next()) await esxi.heard(word.value);
}
