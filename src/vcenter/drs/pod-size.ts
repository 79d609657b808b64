import { MAX_CPUS, MAX_INT32, MAX_MEMORY_MB } from "../spec-limits.js";
import { SharesLevel } from "../../gen/spheresim/vim/v1/resource.js";
import { type VirtualDevice, VirtualMachineConfigSpec } from "../../gen/spheresim/vim/v1/virtual_machine.js";
import { VimFault } from "../vim-fault.js";
import { memoryOverheadMb } from "./memory-overhead.js";
import { vmCpuShares, vmMemoryShares } from "./shares.js";
import { POD_GUEST_ID } from "./vm-shape.js";

/** What one container asks for; undefined is not stated. CPU in thousandths of a core, memory in bytes. */
export interface ContainerAsk {
  readonly requestCpuMilli?: number | undefined;
  readonly limitCpuMilli?: number | undefined;
  readonly requestMemoryBytes?: bigint | undefined;
  readonly limitMemoryBytes?: bigint | undefined;
}

/** A pod to size. */
export interface PodAsk {
  readonly name: string;
  readonly ownerUid: string;
  readonly containers: readonly ContainerAsk[];
  readonly initContainers: readonly ContainerAsk[];
  readonly overheadCpuMilli: number;
  readonly overheadMemoryBytes: bigint;
}

const MIB = 1024n * 1024n;
/** A container that states nothing counts as half a core and 512 MB ("Scheduling vSphere Pods"). */
const DEFAULT_CPU_MILLI = 500;
const DEFAULT_MEMORY_BYTES = 512n * MIB;
/** VM memory comes in steps of 4 MB. */
const MEMORY_STEP_MB = 4n;
/** Thin ephemeral disk of a pod VM, KiB. */
const EPHEMERAL_DISK_KB = 16n * 1024n * 1024n;

/** Thousandths of a core and bytes. */
interface Sum {
  readonly cpuMilli: bigint;
  readonly memoryBytes: bigint;
}

/**
 * A pod as a VM. Each container counts with the largest of default, request and limit; the containers are summed; init containers run
 * one after the other, so the largest of them counts if it is larger than the sum (Kubernetes' rule). vCPUs are rounded up to whole
 * ones, memory to 4 MB. The sum of the requests becomes the reservation, `coreMhz` a core; shares are normal. No padding is added for
 * the agent: VMware publishes none.
 *
 * Example: two containers, each cpu request 1 limit 2, memory request 1Gi limit 2Gi, cores of 2600 MHz: 4 vCPUs, 4096 MB, reserved
 * 5200 MHz and 2048 MB, 4000 CPU shares, 40960 memory shares.
 */
export function sizePod(pod: PodAsk, coreMhz: number): VirtualMachineConfigSpec {
  const size = podSum(pod, containerSize);
  const requests = podSum(pod, containerRequest);
  const numCpus = atMost(max(1n, ceilDiv(size.cpuMilli, 1000n)), MAX_CPUS, "CPUs");
  const memoryMb = atMost(max(MEMORY_STEP_MB, ceilDiv(ceilDiv(size.memoryBytes, MIB), MEMORY_STEP_MB) * MEMORY_STEP_MB), MAX_MEMORY_MB, "MB of memory");
  const cpuMhz = atMost(ceilDiv(requests.cpuMilli * BigInt(coreMhz), 1000n), MAX_INT32, "MHz");
  const reservedMb = atMost(ceilDiv(requests.memoryBytes, MIB), MAX_MEMORY_MB, "MB of memory");
  return VirtualMachineConfigSpec.create({
    name: pod.name,
    guestId: POD_GUEST_ID,
    numCpus,
    memoryMb,
    cpuAllocation: { reservation: cpuMhz, expandableReservation: false, limit: -1, shares: { shares: vmCpuShares(SharesLevel.NORMAL, numCpus), level: SharesLevel.NORMAL } },
    memoryAllocation: { reservation: reservedMb, expandableReservation: false, limit: -1, shares: { shares: vmMemoryShares(SharesLevel.NORMAL, memoryMb), level: SharesLevel.NORMAL } },
    devices: podDevices(),
    extraConfig: { "svga.present": "FALSE" },
    ownerUid: pod.ownerUid,
    overheadMemoryMb: memoryOverheadMb(numCpus, memoryMb),
  });
}

/** The ephemeral disk and the network card, both paravirtual, on whatever datastore and network the host has. */
function podDevices(): VirtualDevice[] {
  return [
    { key: 2000, backing: { $case: "disk", value: { capacityKb: EPHEMERAL_DISK_KB, uuid: "", datastore: "", controller: "pvscsi" } } },
    { key: 4000, backing: { $case: "ethernetCard", value: { cardType: "vmxnet3", macAddress: "", network: "" } } },
  ];
}

function podSum(pod: PodAsk, of: (container: ContainerAsk) => Sum): Sum {
  let sum: Sum = { cpuMilli: 0n, memoryBytes: 0n };
  for (const container of pod.containers.map(of)) sum = { cpuMilli: sum.cpuMilli + container.cpuMilli, memoryBytes: sum.memoryBytes + container.memoryBytes };
  for (const init of pod.initContainers.map(of)) sum = { cpuMilli: max(sum.cpuMilli, init.cpuMilli), memoryBytes: max(sum.memoryBytes, init.memoryBytes) };
  return { cpuMilli: sum.cpuMilli + BigInt(pod.overheadCpuMilli), memoryBytes: sum.memoryBytes + pod.overheadMemoryBytes };
}

function containerSize(container: ContainerAsk): Sum {
  return {
    cpuMilli: BigInt(Math.max(DEFAULT_CPU_MILLI, container.requestCpuMilli ?? 0, container.limitCpuMilli ?? 0)),
    memoryBytes: max(DEFAULT_MEMORY_BYTES, max(container.requestMemoryBytes ?? 0n, container.limitMemoryBytes ?? 0n)),
  };
}

function containerRequest(container: ContainerAsk): Sum {
  return { cpuMilli: BigInt(container.requestCpuMilli ?? 0), memoryBytes: container.requestMemoryBytes ?? 0n };
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function ceilDiv(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

function atMost(value: bigint, most: number, unit: string): number {
  if (value > BigInt(most)) throw VimFault.invalidArgument("containers", `they sum to ${value} ${unit}, more than a virtual machine can have`);
  return Number(value);
}
