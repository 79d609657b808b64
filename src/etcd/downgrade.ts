import { DowngradeRequest_DowngradeAction } from "../gen/etcd/etcdserverpb/rpc.js";
import { etcdError } from "./errors.js";

const VERSION_FORM = /^\d+\.\d+(?:\.\d+(?:[-+][0-9A-Za-z.+-]*)?)?$/;

/** Refuses a downgrade as etcd does that is asked for a version it cannot go to: there is none, for the directory is no older etcd's. */
export function refuseDowngrade(action: DowngradeRequest_DowngradeAction, version: string): never {
  if (action === DowngradeRequest_DowngradeAction.CANCEL) throw etcdError("noDowngrade");
  throw etcdError(VERSION_FORM.test(version) ? "downgradeTarget" : "downgradeFormat");
}
