import { RpcCode, RpcError } from "../base/rpc-error.js";

/** vCenter has no such VM (any more): for a deletion that is success. */
export function isVmGone(error: unknown): boolean {
  return RpcError.is(error) && (error.reason?.reason === "ManagedObjectNotFound" || (error.reason === undefined && error.code === RpcCode.NOT_FOUND));
}

/** The VM is off, and nobody is about to power it on. */
export function isVmOff(error: unknown): boolean {
  return RpcError.is(error) && error.reason?.reason === "InvalidPowerState";
}
