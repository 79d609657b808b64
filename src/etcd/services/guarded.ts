import { RpcCode, RpcError } from "../../base/rpc-error.js";
import { AlarmRequest_AlarmAction, type AlarmRequest } from "../../gen/etcd/etcdserverpb/rpc.js";
import type { ClusterService, MaintenanceService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import type { AnyHandler } from "../../rpc/service.js";
import type { ServedService } from "../../rpc/server.js";
import type { Caller, Gate } from "./gate.js";

/** Throws unless a call may be made. */
type Rule = (gate: Gate, call: Caller, request: unknown) => void;
/** A rule for each method of a service. */
type Rules<S> = { readonly [K in keyof S]: Rule };

const signedIn: Rule = (gate, call) => void gate.requireIdentity(call);
const admin: Rule = (gate, call) => gate.requireAdmin(call);

/** Texts that etcd's auth package has and its wire has not. */
const PACKAGE_TEXTS: Readonly<Record<string, string>> = { "etcdserver: user name not found": "auth: user not found" };

/** As `admin`, but the refusal goes out as it arose, without a code: etcd forgets to translate it in these methods. */
const adminUntranslated: Rule = (gate, call) => {
  try {
    gate.requireAdmin(call);
  } catch (error) {
    if (!RpcError.is(error)) throw error;
    throw new RpcError(RpcCode.UNKNOWN, PACKAGE_TEXTS[error.message] ?? error.message.replace("etcdserver: ", "auth: "), { cause: error });
  }
};

/** Source: etcd 3.5, authMaintenanceServer. */
export const MAINTENANCE_RULES: Rules<typeof MaintenanceService> = {
  alarm: (gate, call, request) => ((request as AlarmRequest).action === AlarmRequest_AlarmAction.GET ? signedIn : admin)(gate, call, request),
  status: signedIn,
  defragment: adminUntranslated,
  hash: adminUntranslated,
  hashKv: adminUntranslated,
  snapshot: adminUntranslated,
  moveLeader: admin,
  downgrade: admin,
};

/** Source: etcd 3.5, EtcdServer.MemberList and checkMembershipOperationPermission. */
export const CLUSTER_RULES: Rules<typeof ClusterService> = {
  memberList: signedIn,
  memberAdd: admin,
  memberRemove: admin,
  memberUpdate: admin,
  memberPromote: admin,
};

/** The same service, each call judged by its method's rule before the handler hears of it. */
export function guarded<S>(service: ServedService, rules: Rules<S>, gate: Gate): ServedService {
  const handlers = Object.entries(service.handlers).map(([method, handler]): [string, AnyHandler | undefined] => {
    const rule = (rules as Readonly<Record<string, Rule>>)[method];
    if (handler === undefined || rule === undefined) return [method, handler];
    return [
      method,
      (...parameters: never[]): unknown => {
        // None of these methods takes a stream, so the request is first; the call is always last.
        rule(gate, parameters[parameters.length - 1] as unknown as Caller, parameters[0]);
        return handler(...parameters);
      },
    ];
  });
  return { definition: service.definition, handlers: Object.fromEntries(handlers) };
}
