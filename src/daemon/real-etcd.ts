import { connect } from "node:net";
import { monotonicClock } from "../base/clock.js";
import { UserError } from "../base/user-error.js";
import { parseAddress } from "../rpc/address.js";

const patienceMs = 3_000;

/** Says at once that nobody listens where the real etcd should be, instead of letting every room wait for it. One member is enough. */
export async function requireEtcd(endpoints: readonly string[]): Promise<void> {
  const failures = await Promise.all(endpoints.map(failureOf));
  if (failures.length === 0 || failures.includes(undefined)) return;
  throw new UserError("cannot-start", `no etcd answers at ${endpoints.join(", ")}: ${failures[0]}`, "start it, or name another with --etcd-endpoints; without the option the store is embedded");
}

/** Why an endpoint cannot be connected to; undefined when it can. */
function failureOf(endpoint: string): Promise<string | undefined> {
  const { host, port } = parseAddress(endpoint.replace(/^https?:\/\//, ""));
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = monotonicClock().timer(patienceMs, () => end(`no answer within ${patienceMs / 1000} s`));
    const end = (failure?: string): void => {
      timer.cancel();
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => end());
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED" ? "connection refused" : error.message));
  });
}
