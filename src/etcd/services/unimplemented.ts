import { AuthService } from "../../gen/etcd/etcdserverpb/rpc_service.js";
import { ElectionService } from "../../gen/etcd/v3electionpb/v3election_service.js";
import { LockService } from "../../gen/etcd/v3lockpb/v3lock_service.js";
import { serve, type ServedService } from "../../rpc/server.js";

/** Services of etcd that do not exist here yet; each method answers UNIMPLEMENTED by name. */
export function unimplementedServices(): ServedService[] {
  return [serve(AuthService, {}), serve(LockService, {}), serve(ElectionService, {})];
}
