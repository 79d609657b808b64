import { WatchService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import type { WatchRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { KeyRange } from "../key-index/key-range.js";
import { WatchStream } from "../watch/watch-stream.js";
import type { Room } from "./room.js";

/** The stream's answers are encoded before they get here, so that watches share the bytes of an event. */
const asIs = (bytes: Buffer): Buffer => bytes;
const EncodedWatchService = { watch: { ...WatchService.watch, responseSerialize: asIs, responseDeserialize: asIs } };

/** etcdserverpb.Watch. */
export function watchService({ hub, clock, member, auth, gate, progressIntervalMs, dice, watchStreams }: Room): ServedService {
  return serve(EncodedWatchService, {
    watch: async (requests, stream, call) => {
      const permit = (range: KeyRange): void => auth.state.permit(gate.identify(call), range, "read");
      const watches = new WatchStream({ hub, clock, headerAt: member.headerAt, send: (message) => stream.write(message), progressIntervalMs, dice, permit });
      watchStreams.add(watches);
      const close = (): void => watches.close();
      call.signal.addEventListener("abort", close, { once: true });
      try {
        // A client that has said all it has to say still wants to hear.
        await Promise.all([read(requests, watches), watches.run()]);
      } finally {
        watches.close();
        watchStreams.delete(watches);
        call.signal.removeEventListener("abort", close);
      }
    },
  });
}

async function read(requests: AsyncIterable<WatchRequest>, watches: WatchStream): Promise<void> {
  for await (const { requestUnion } of requests) {
    switch (requestUnion?.$case) {
      case "createRequest":
        watches.create(requestUnion.value);
        break;
      case "cancelRequest":
        watches.cancel(requestUnion.value.watchId);
        break;
      case "progressRequest":
        watches.requestProgress();
        break;
      case undefined:
        // etcd ignores what it does not know.
        break;
    }
    await watches.room();
  }
}
