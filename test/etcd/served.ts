import { after, before } from "node:test";
import type { ServerUnderTest } from "../support/real-etcd.js";

/** For the cases of one `describe`: starts a server and connects to it before the first, and closes both after the last. */
export function served<C extends { close(): void }>(start: () => Promise<ServerUnderTest>, connect: (address: string) => C, use: (connection: C, server: ServerUnderTest) => void | Promise<void>): void {
  let server: ServerUnderTest | undefined;
  let connection: C | undefined;
  before(async () => {
    server = await start();
    connection = connect(server.address);
    await use(connection, server);
  });
  after(async () => {
    connection?.close();
    await server?.close();
  });
}
