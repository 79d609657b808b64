import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { LeaseGrantRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { Call } from "../../rpc/server.js";
import type { RecipeClient } from "../recipes/recipe-client.js";
import { kvHandlers } from "./kv.js";
import { leaseHandlers } from "./lease.js";
import { RequestSizes } from "./request-size.js";
import type { Room } from "./room.js";

/** Lets recipes call the services of this server in the name of whoever called the recipe. */
export function recipeCaller(room: Room): (call: Call) => RecipeClient {
  const kv = kvHandlers(room, new RequestSizes(room.maxRequestBytes));
  const lease = leaseHandlers(room);
  return (call) => ({
    range: async (request) => kv.range(request, call),
    txn: async (request) => kv.txn(request, call),
    deleteRange: (request) => kv.deleteRange(request, call),
    grant: async (ttlSeconds) => (await lease.leaseGrant(LeaseGrantRequest.create({ TTL: ttlSeconds }), call)).ID,
  });
}

/**
 * Runs a recipe. etcd's runs in a client inside the server, and that client's errors lose their code on the way out, not their text;
 * the end of the call itself goes out as it is.
 */
export async function asRecipe<T>(call: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!RpcError.is(error) || call.signal.aborted) throw error;
    throw new RpcError(RpcCode.UNKNOWN, error.message, { cause: error });
  }
}
