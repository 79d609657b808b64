import type { GatewayRoute } from "../../rpc/gateway.js";

/**
 * The paths of etcd 3.5's JSON gateway, below `/v3`, by method. Source: the google.api.http options in etcd's rpc.proto, v3lock.proto and
 * v3election.proto; the `kv/lease` ones are the older names of 3.2.
 */
const PATHS: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>> = {
  "etcdserverpb.KV": { Range: "kv/range", Put: "kv/put", DeleteRange: "kv/deleterange", Txn: "kv/txn", Compact: "kv/compaction" },
  "etcdserverpb.Watch": { Watch: "watch" },
  "etcdserverpb.Lease": {
    LeaseGrant: "lease/grant",
    LeaseRevoke: ["lease/revoke", "kv/lease/revoke"],
    LeaseKeepAlive: "lease/keepalive",
    LeaseTimeToLive: ["lease/timetolive", "kv/lease/timetolive"],
    LeaseLeases: ["lease/leases", "kv/lease/leases"],
  },
  "etcdserverpb.Cluster": {
    MemberAdd: "cluster/member/add",
    MemberRemove: "cluster/member/remove",
    MemberUpdate: "cluster/member/update",
    MemberList: "cluster/member/list",
    MemberPromote: "cluster/member/promote",
  },
  "etcdserverpb.Maintenance": {
    Alarm: "maintenance/alarm",
    Status: "maintenance/status",
    Defragment: "maintenance/defragment",
    Hash: "maintenance/hash",
    HashKV: "maintenance/hashkv",
    Snapshot: "maintenance/snapshot",
    MoveLeader: "maintenance/transfer-leadership",
    Downgrade: "maintenance/downgrade",
  },
  "etcdserverpb.Auth": {
    AuthEnable: "auth/enable",
    AuthDisable: "auth/disable",
    AuthStatus: "auth/status",
    Authenticate: "auth/authenticate",
    UserAdd: "auth/user/add",
    UserGet: "auth/user/get",
    UserList: "auth/user/list",
    UserDelete: "auth/user/delete",
    UserChangePassword: "auth/user/changepw",
    UserGrantRole: "auth/user/grant",
    UserRevokeRole: "auth/user/revoke",
    RoleAdd: "auth/role/add",
    RoleGet: "auth/role/get",
    RoleList: "auth/role/list",
    RoleDelete: "auth/role/delete",
    RoleGrantPermission: "auth/role/grant",
    RoleRevokePermission: "auth/role/revoke",
  },
  "v3lockpb.Lock": { Lock: "lock/lock", Unlock: "lock/unlock" },
  "v3electionpb.Election": { Campaign: "election/campaign", Proclaim: "election/proclaim", Leader: "election/leader", Observe: "election/observe", Resign: "election/resign" },
};

/** Every route of the gateway. */
export const gatewayRoutes: readonly GatewayRoute[] = Object.entries(PATHS).flatMap(([service, methods]) =>
  Object.entries(methods).flatMap(([method, paths]) => [paths].flat().map((path) => ({ path: `/v3/${path}`, method: `/${service}/${method}` }))),
);
