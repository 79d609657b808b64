import { VirtualMachineConfigSpec } from "../../../src/gen/spheresim/vim/v1/virtual_machine.js";
import type { Amount } from "../../../src/vcenter/drs/amount.js";
import { sizePod } from "../../../src/vcenter/drs/pod-size.js";
import { completeVmConfig } from "../../../src/vcenter/machines/vm-config.js";
import { CORE_MHZ, type Request } from "./workload.js";

const MIB = 1024n * 1024n;

/** A pod of one container as the VM that vCenter makes of it. */
export function podConfig(id: string, request: Request, limit: Request): VirtualMachineConfigSpec {
  const container = { requestCpuMilli: request.cpuMilli, limitCpuMilli: limit.cpuMilli, requestMemoryBytes: BigInt(request.memoryMib) * MIB, limitMemoryBytes: BigInt(limit.memoryMib) * MIB };
  return sizePod({ name: id, ownerUid: id, containers: [container], initContainers: [], overheadCpuMilli: 0, overheadMemoryBytes: 0n }, CORE_MHZ);
}

/** An ordinary VM. */
export function vmConfig(id: string, numCpus: number, memoryMb: number, reserved: Amount): VirtualMachineConfigSpec {
  const spec = { name: id, guestId: "otherGuest64", numCpus, memoryMb, cpuAllocation: { reservation: reserved.cpuMhz, limit: -1 }, memoryAllocation: { reservation: reserved.memoryMb, limit: -1 } };
  return completeVmConfig(VirtualMachineConfigSpec.fromPartial(spec), "config");
}
