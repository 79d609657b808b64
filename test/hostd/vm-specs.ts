import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";

const hex = (n: number): string => n.toString(16).padStart(12, "0");

/** Specification of the n-th pod VM: 1 vCPU, 512 MB, 500 MHz and 256 MB reserved, 50 MB overhead. */
export function crxSpec(n: number, change: Partial<VirtualMachineConfigSpec> = {}): VirtualMachineConfigSpec {
  return VirtualMachineConfigSpec.create({
    name: `web-${n}`,
    instanceUuid: `50010000-0000-4000-8000-${hex(n)}`,
    uuid: `420d0000-0000-4000-8000-${hex(n)}`,
    guestId: "crxPod1Guest",
    numCpus: 1,
    memoryMb: 512,
    cpuAllocation: { reservation: 500 },
    memoryAllocation: { reservation: 256 },
    overheadMemoryMb: 50,
    ownerUid: podUid(n),
    devices: [
      { key: 2000, backing: { $case: "disk", value: { capacityKb: 1_048_576n, uuid: `6000c29f-0000-0000-0000-${hex(n)}`, datastore: "datastore-01", controller: "pvscsi" } } },
      { key: 4000, backing: { $case: "ethernetCard", value: { cardType: "vmxnet3", macAddress: "", network: "workload-01" } } },
    ],
    ...change,
  });
}

export function podUid(n: number): string {
  return `6f1c0000-0000-4000-8000-${hex(n)}`;
}
