import { RpcError } from "../base/rpc-error.js";
import { UserError } from "../base/user-error.js";
import { HostEvacuationPurpose } from "../gen/spheresim/vcenter/v1/inventory.js";
import { moid, type Vsphere } from "./vsphere.js";

/** What vCenter refuses because the host is on its way into another mode, with the task to cancel before it. */
export async function unlessEntering<T>(vsphere: Vsphere, name: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof RpcError) || !["InvalidState", "InvalidPowerState"].includes(error.reason?.reason ?? "")) throw error;
    vsphere.forget();
    const { evacuation } = await vsphere.host(name);
    if (evacuation === undefined) throw error;
    const mode = evacuation.purpose === HostEvacuationPurpose.STAND_BY ? "standby" : "maintenance mode";
    throw new UserError("failed", `${name} is on its way into ${mode}, and not there yet`, `call that off with: spheresim task cancel ${moid(evacuation.task)}`);
  }
}
