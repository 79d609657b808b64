import type { VirtualMachine } from "../../gen/spheresim/vcenter/v1/inventory.js";
import type { CreateVmRequest, DestroyVmRequest } from "../../gen/spheresim/vcenter/v1/virtual_machine.js";
import { VirtualMachineServiceService } from "../../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { ManagedObjectReference } from "../../gen/spheresim/vim/v1/managed_object.js";
import { hashOf, type RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { Deployments } from "../deployments.js";
import { POD_GUEST_ID } from "../drs/vm-shape.js";
import { type Inventory, inOrder } from "../inventory.js";
import { showVm } from "../inventory-view.js";
import type { Pages } from "../pages.js";
import { requireHost } from "../placement-spec.js";
import type { VmRecord } from "../records.js";
import { VimFault } from "../vim-fault.js";
import { completeVmConfig } from "../vm-config.js";
import type { VmLifecycle } from "../vm-lifecycle.js";
import { answering } from "./answering.js";

/** What the service works with. */
export interface VirtualMachineServiceOptions {
  readonly inventory: Inventory;
  readonly deployments: Deployments;
  readonly lifecycle: VmLifecycle;
  readonly requests: RequestCache;
  readonly vmPages: Pages<VirtualMachine>;
}

/** VirtualMachineService on the wire. */
export function virtualMachineService(options: VirtualMachineServiceOptions): ServedService {
  const { inventory, deployments, lifecycle, requests, vmPages } = options;
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
    createVm: answering((request) => requests.answer("CreateVm", request, async () => createOrdinary(request, inventory, deployments))),
    powerOnVm: answering((request) => requests.answer("PowerOnVm", request, async () => lifecycle.powerOn(vmOf(request.vm, "vm")))),
    powerOffVm: answering((request) => requests.answer("PowerOffVm", request, async () => lifecycle.powerOff(vmOf(request.vm, "vm")))),
    destroyVm: answering((request) =>
      requests.answer("DestroyVm", request, async () =>
        lifecycle.destroy({ vm: target(request.target), powerOff: request.powerOff, uuid: request.uuid }),
      ),
    ),
    setActivity: answering((request) =>
      requests.answer("SetActivity", request, async () => {
        const vm = await lifecycle.setActivity(vmOf(request.vm, "vm"), request.activity);
        return showVm(inventory, vm.moid);
      }),
    ),
    getVm: answering((request) => showVm(inventory, target(request.target).moid)),
    listVms: answering((request) => {
      const { items, nextPageToken } = vmPages.page(request, () => {
        const vms = inventory.vms.filter((vm) => !request.onlyOwned || vm.config.ownerUid !== "");
        return inOrder(vms.map((vm) => vm.moid)).map((moid) => showVm(inventory, moid));
      });
      return { virtualMachines: [...items], nextPageToken };
    }),
  });
}

/** A VM that stands for what runs beside pods. Pod VMs come by ApplyRecommendation alone: without an owner one would be swept. */
function createOrdinary(request: CreateVmRequest, inventory: Inventory, deployments: Deployments): ReturnType<Deployments["create"]> {
  const config = completeVmConfig(request.config, "config");
  if (config.ownerUid !== "") throw VimFault.invalidArgument("config.owner_uid", "must be empty: virtual machines with an owner are made by ApplyRecommendation");
  if (config.guestId === POD_GUEST_ID) throw VimFault.invalidArgument("config.guest_id", `${POD_GUEST_ID} is made by ApplyRecommendation`);
  const host = requireHost(request.host, "host", inventory);
  if (host.disconnected) throw VimFault.hostNotConnected(host.spec.name);
  const cluster = inventory.cluster(host.cluster);
  const pool = request.pool === undefined ? inventory.pool(cluster.rootPool?.value ?? "") : inventory.pool(request.pool.value);
  if (inventory.clusterOfPool(pool.moid).ref?.value !== host.cluster) throw VimFault.invalidArgument("pool", `pool ${pool.moid} is not in cluster ${host.cluster}`);
  const stored = request.requestId === "" ? undefined : { requestId: request.requestId, bodyHash: hashOf(request) };
  return deployments.create({ ...config, guestId: config.guestId === "" ? "otherGuest64" : config.guestId }, host.moid, pool.moid, request.powerOn, stored);
}
