import { silentLogger } from "../../src/base/log.js";
import { type ConfigurePodRequest, ConfigurePodState } from "../../src/gen/spheresim/spherelet/v1/pod.js";
import { SphereletServiceService } from "../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import { serve, startRpcServer } from "../../src/rpc/server.js";

/** The Spherelets of all hosts behind one socket, for tests of their callers. */
export interface FakeSpherelet {
  readonly address: string;
  readonly seen: { readonly host: string; readonly request: ConfigurePodRequest }[];
  close(): Promise<void>;
}

/** `refuse` throws to refuse a call. */
export async function startFakeSpherelet(listen = "127.0.0.1:0", refuse: (host: string) => void = () => undefined): Promise<FakeSpherelet> {
  const seen: FakeSpherelet["seen"] = [];
  const server = await startRpcServer({
    listen,
    room: "fake spherelet",
    log: silentLogger,
    closeLimitMs: 50,
    services: [
      serve(SphereletServiceService, {
        configurePod: (request, call) => {
          refuse(call.authority);
          seen.push({ host: call.authority, request });
          return { state: ConfigurePodState.ACCEPTED };
        },
      }),
    ],
  });
  return { address: server.address, seen, close: () => server.close() };
}
