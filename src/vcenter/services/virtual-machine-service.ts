import type { VirtualMachine } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { CreateVmRequest, DestroyVmRequest } from "../../gen/spheresim/vcenter/v1/virtual_machine.js";
import { VirtualMachineServiceService } from "../../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import { hashOf, type RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { Deployments } from "../machines/deployments.js";
import { POD_GUEST_ID, vmShape } from "../drs/vm-shape.js";
import type { HostChoice } from "../placement/host-choice.js";
import type { Inventory } from "../inventory/inventory.js";
import { listedVms, showVm } from "../inventory/inventory-view.js";
import { orderedVms } from "../inventory/ordered-vms.js";
import { inSlices } from "../../base/slices.js";
import { requireOpen } from "../hosts/known-host.js";
import { type Migrations, requireMovable } from "../machines/migrations.js";
import type { MultiPowerOn } from "../machines/multi-power-on.js";
import type { PowerOnRecommendations } from "../machines/power-on-recommendations.js";
import type { Pages } from "../inventory/pages.js";
import { onlyCluster, requireHost } from "../placement/placement-spec.js";
import { type Reconfigurations, requireWithinCpus } from "../machines/reconfigurations.js";
import type { VmRecord } from "../store/records.js";
import { VimFault } from "../vim-fault.js";
import { completeVmConfig } from "../machines/vm-config.js";
import type { VmLifecycle } from "../machines/vm-lifecycle.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface VirtualMachineServiceOptions {
  readonly inventory: Inventory;
  readonly choice: HostChoice;
  readonly deployments: Deployments;
  readonly lifecycle: VmLifecycle;
  readonly multiPowerOn: MultiPowerOn;
  readonly powerOns: PowerOnRecommendations;
  readonly migrations: Migrations;
  readonly reconfigurations: Reconfigurations;
  readonly requests: RequestCache;
  readonly vmPages: Pages<VirtualMachine>;
}

/** VirtualMachineService on the wire. */
export function virtualMachineService(options: VirtualMachineServiceOptions): ServedService {
  const { inventory, lifecycle, multiPowerOn, powerOns, migrations, reconfigurations, requests, vmPages } = options;
  const vmOf = (ref: ManagedObjectReference | undefined, field: string): VmRecord => {
    if (ref === undefined || ref.value === "") throw VimFault.invalidArgument(field, "is required");
    return inventory.vm(ref.value);
  };
  const vmOfOwner = (ownerUid: string): VmRecord => {
    const owner = inventory.owner(ownerUid);
    if (owner === undefined) throw VimFault.ownerNotFound(ownerUid);
    return inventory.vm(owner.vm);
  };
  const target = (wanted: DestroyVmRequest["target"]): VmRecord => {
    if (wanted === undefined) throw VimFault.invalidArgument("target", "is required: vm or owner_uid");
    return wanted.$case === "vm" ? vmOf(wanted.value, "vm") : vmOfOwner(wanted.value);
  };

  return serve(VirtualMachineServiceService, {
    createVm: answering((request) => requests.answer("CreateVm", request, () => createOrdinary(request, options))),
    powerOnVm: answering((request) => 
      requests.answer("PowerOnVm", request, async () => {
        const vm = vmOf(request.vm, "vm");
        // What is held for a recommendation to power it on is free for it.
        powerOns.withdraw(vm.moid);
        return lifecycle.powerOn(vm);
      }),
    ),
    powerOffVm: answering((request) => requests.answer("PowerOffVm", request, async () => lifecycle.powerOff(vmOf(request.vm, "vm")))),
    powerOnVms: answering((request) => requests.answer("PowerOnVms", request, () => multiPowerOn.powerOn(request.vms, request.overrideAutomationLevel))),
    resetVm: answering((request) => requests.answer("ResetVm", request, async () => lifecycle.reset(vmOf(request.vm, "vm")))),
    reconfigureVm: answering((request) => requests.answer("ReconfigureVm", request, async () => reconfigurations.reconfigure(vmOf(request.vm, "vm"), request))),
    migrateVm: answering((request) =>
      requests.answer("MigrateVm", request, async () => {
        const vm = vmOf(request.vm, "vm");
        requireMovable(vm);
        const host = request.host === undefined ? undefined : requireHost(request.host, "host", inventory, inventory.host(vm.host).cluster).moid;
        return migrations.migrate(vm, { host });
      }),
    ),
    destroyVm: answering((request) =>
      requests.answer("DestroyVm", request, async () =>
        lifecycle.destroy({ vm: target(request.target), powerOff: request.powerOff, uuid: request.uuid }),
      ),
    ),
    setActivity: answering((request) =>
      requests.answer("SetActivity", request, async () => {
        const vm = vmOf(request.vm, "vm");
        await reconfigurations.setActivity(vm, request.activity);
        return showVm(inventory, vm.moid);
      }),
    ),
    getVm: answering((request) => showVm(inventory, target(request.target).moid)),
    listVms: answering(async (request) => {
      const isListed = (vm: VmRecord): boolean => !request.onlyOwned || vm.config.ownerUid !== "";
      const vms = request.pageToken === "" ? await inSlices(orderedVms(inventory, isListed)) : [];
      const { items, nextPageToken } = vmPages.page(request, () => listedVms(inventory, vms));
      return { virtualMachines: [...items], nextPageToken };
    }),
  });
}

/** A VM that stands for what runs beside pods. Pod VMs come by ApplyRecommendation alone: without an owner one would be swept. */
async function createOrdinary(request: CreateVmRequest, { inventory, choice, deployments }: VirtualMachineServiceOptions): ReturnType<Deployments["create"]> {
  const stored = request.requestId === "" ? undefined : { requestId: request.requestId, bodyHash: hashOf(request) };
  const made = deployments.madeBy(stored);
  if (made !== undefined) return made;
  const checked = completeVmConfig(request.config, "config");
  if (checked.ownerUid !== "") throw VimFault.invalidArgument("config.owner_uid", "must be empty: virtual machines with an owner are made by ApplyRecommendation");
  if (checked.guestId === POD_GUEST_ID) throw VimFault.invalidArgument("config.guest_id", `${POD_GUEST_ID} is made by ApplyRecommendation`);
  const config = { ...checked, guestId: checked.guestId === "" ? "otherGuest64" : checked.guestId };
  const named = request.host === undefined ? undefined : requireHost(request.host, "host", inventory);
  const poolCluster = request.pool === undefined ? undefined : (inventory.clusterOfPool(request.pool.value).ref?.value ?? "");
  if (named !== undefined) requireOpen(named);
  if (named !== undefined && poolCluster !== undefined && poolCluster !== named.cluster) throw VimFault.invalidArgument("pool", `pool ${request.pool?.value} is not in cluster ${named.cluster}`);
  const cluster = named?.cluster ?? poolCluster ?? onlyCluster("host", inventory);
  const pool = request.pool?.value ?? inventory.cluster(cluster).rootPool?.value ?? "";
  if (named === undefined && request.powerOn) choice.admitToPool(pool, vmShape(config).reserved);
  const host = named?.moid ?? choice.best({ config, runs: request.powerOn }, cluster).moid;
  requireWithinCpus(config, inventory.host(host).spec.cpuMhz, "config.cpu_allocation.reservation");
  return deployments.create(config, host, pool, request.powerOn, stored);
}
