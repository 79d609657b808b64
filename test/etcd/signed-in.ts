import assert from "node:assert/strict";
import { RpcError } from "../../src/base/rpc-error.js";
import { AuthClient, ClusterClient, KVClient, LeaseClient, MaintenanceClient, WatchClient } from "../../src/gen/etcd/etcdserverpb/rpc_service.js";
import { type Permission, Permission_Type } from "../../src/gen/etcd/authpb/auth.js";
import { AuthUserAddRequest, AuthUserChangePasswordRequest, type WatchRequest, type WatchResponse } from "../../src/gen/etcd/etcdserverpb/rpc.js";
import { ElectionClient } from "../../src/gen/etcd/v3electionpb/v3election_service.js";
import { LockClient } from "../../src/gen/etcd/v3lockpb/v3lock_service.js";
import { openChannel } from "../../src/rpc/channel.js";
import type { TlsMaterial } from "../../src/rpc/tls.js";

/** Every service of a server that is called in somebody's name: by token, or by the certificate of the connection. */
export function services(address: string, tls?: TlsMaterial) {
  const channel = openChannel({ address, tls, defaultDeadlineMs: 20_000 });
  return {
    auth: channel.client(AuthClient),
    kv: channel.client(KVClient),
    lease: channel.client(LeaseClient),
    watch: channel.client(WatchClient),
    cluster: channel.client(ClusterClient),
    maintenance: channel.client(MaintenanceClient),
    lock: channel.client(LockClient),
    election: channel.client(ElectionClient),
    close: () => channel.close(),
  };
}

export type Services = ReturnType<typeof services>;

/** How a call fails, as `NAME text`; `ok` if it does not. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    assert.ok(error instanceof RpcError, String(error));
    return `${error.codeName} ${error.message}`;
  }
}

/** The call options of a token. */
export const as = (token: string, header = "token") => ({ metadata: { [header]: token } });

/** The call options of a user who signs in now. */
export async function signedIn(etcd: Services, name: string, password = name): Promise<ReturnType<typeof as>> {
  return as((await etcd.auth.authenticate({ name, password })).token);
}

export const newUser = (name: string, fields: Partial<AuthUserAddRequest> = {}): AuthUserAddRequest => AuthUserAddRequest.create({ name, password: name, ...fields });
export const newPassword = (name: string, fields: Partial<AuthUserChangePasswordRequest>): AuthUserChangePasswordRequest => AuthUserChangePasswordRequest.create({ name, ...fields });

/** A permission by words: `permission("READ", "a", "b")`. */
export const permission = (type: "READ" | "WRITE" | "READWRITE", key: string, rangeEnd = ""): Permission => ({ permType: Permission_Type[type], key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd) });

/** A permission as a short text: `READ [a, b)`. */
export const permissionText = ({ permType, key, rangeEnd }: Permission): string => `${Permission_Type[permType]} [${key.toString()}, ${rangeEnd.toString() === "\0" ? "..." : rangeEnd.toString()})`;

/** The first answer to one watch request. */
export async function watchAnswer(etcd: Services, request: WatchRequest, options: ReturnType<typeof as> | undefined): Promise<WatchResponse> {
  const stream = etcd.watch.watch(options);
  try {
    await stream.write(request);
    for await (const answer of stream) return answer;
    throw new Error("the watch stream ended");
  } finally {
    stream.cancel();
  }
}
