import type { TestContext } from "node:test";
import { silentLogger } from "../../src/base/log.js";
import { type Channel, openChannel, type PromiseClient } from "../../src/rpc/channel.js";
import { type RpcServer, type RpcServerOptions, serve, startRpcServer } from "../../src/rpc/server.js";
import type { HandlersOf } from "../../src/rpc/service.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";
import { EchoService, EchoServiceClient } from "./echo-service.js";

/** A server, a channel to it and a client over that; all closed when the test ends. */
export interface EchoSetup {
  readonly server: RpcServer;
  readonly channel: Channel;
  readonly client: PromiseClient<typeof EchoService>;
}

/** Starts the echo service with these handlers on a port of the system's choice. */
export async function startEcho(t: TestContext, handlers: HandlersOf<typeof EchoService>, options: Partial<RpcServerOptions> & { readonly tls?: TlsMaterial | undefined } = {}): Promise<EchoSetup> {
  const server = await startRpcServer({ listen: "127.0.0.1:0", room: "echo", log: silentLogger, services: [serve(EchoService, handlers)], closeLimitMs: 200, ...options });
  const channel = openChannel({ address: server.address, defaultDeadlineMs: 5_000, tls: options.tls });
  t.after(async () => {
    channel.close();
    await server.close();
  });
  return { server, channel, client: channel.client(EchoServiceClient) };
}
