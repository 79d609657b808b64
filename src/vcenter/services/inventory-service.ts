import type { Clock } from "../../base/clock.js";
import type { Duration } from "../../gen/google/protobuf/duration.js";
import { type AboutInfo, Cluster, Datacenter, Host, type InventoryUpdate, ResourcePool, VirtualMachine } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { UpdateKind } from "../../gen/spheresim/vim/v1/update.js";
import { hashOf, type RequestCache } from "../../rpc/request-cache.js";
import { serve, type ServedService } from "../../rpc/server.js";
import type { FeedUpdate } from "../inventory/change-feed.js";
import type { Holds } from "../placement/holds.js";
import type { HostModes } from "../hosts/host-modes.js";
import type { Inventory } from "../inventory/inventory.js";
import { listedHosts } from "../inventory/inventory-view.js";
import { wholeInventory } from "../inventory/whole-inventory.js";
import { EncodedInventoryService } from "./encoded-inventory.js";
import { inSlices } from "../../base/slices.js";
import type { InventoryAdmin } from "../inventory/inventory-admin.js";
import { type MoType, moref } from "../inventory/moref.js";
import type { Pages } from "../inventory/pages.js";
import { VimFault } from "../vim-fault.js";
import { answering, sendFeed } from "./answering.js";

/** What the service works with. */
export interface InventoryServiceOptions {
  readonly about: AboutInfo;
  readonly inventory: Inventory;
  readonly holds: Holds;
  readonly admin: InventoryAdmin;
  readonly modes: HostModes;
  readonly requests: RequestCache;
  readonly hostPages: Pages<Host>;
  readonly monotonic: Clock;
}

/** A VM that is deployed changes several times in a moment, and its hosts and pools with it. */
const GATHER_MS = 100;

const KINDS = { enter: UpdateKind.ENTER, modify: UpdateKind.MODIFY, leave: UpdateKind.LEAVE, synced: UpdateKind.SYNCED, bookmark: UpdateKind.BOOKMARK } as const;

/** InventoryService on the wire. */
export function inventoryService(options: InventoryServiceOptions): ServedService {
  const { about, inventory, holds, admin, modes, requests, hostPages, monotonic } = options;
  return serve(EncodedInventoryService, {
    getAbout: () => about,
    createDatacenter: answering((request) =>
      requests.answer("CreateDatacenter", request, () => admin.createDatacenter(request.name)),
    ),
    createCluster: answering((request) =>
      requests.answer("CreateCluster", request, () => {
        if (request.datacenter === undefined) throw VimFault.invalidArgument("datacenter", "is required");
        return admin.createCluster(request.datacenter.value, request.name);
      }),
    ),
    addHost: answering((request) =>
      requests.answer("AddHost", request, () => {
        if (request.cluster === undefined) throw VimFault.invalidArgument("cluster", "is required");
        return admin.addHost(request.cluster.value, request.spec, request.address, request.requestId === "" ? undefined : { requestId: request.requestId, bodyHash: hashOf(request) });
      }),
    ),
    removeHost: answering((request) =>
      requests.answer("RemoveHost", request, async () => {
        await admin.removeHost(request.host);
        return {};
      }),
    ),
    enterMaintenanceMode: answering((request) =>
      requests.answer("EnterMaintenanceMode", request, () => modes.enterMaintenance(request.host, { timeoutMs: timeoutMs(request.timeout), poweredOffToo: request.evacuatePoweredOffVms })),
    ),
    exitMaintenanceMode: answering((request) => requests.answer("ExitMaintenanceMode", request, () => modes.exitMaintenance(request.host))),
    setQuarantineMode: answering((request) => requests.answer("SetQuarantineMode", request, () => modes.setQuarantine(request.host, request.inQuarantineMode))),
    powerDownHostToStandBy: answering((request) =>
      requests.answer("PowerDownHostToStandBy", request, () => modes.powerDownToStandBy(request.host, { timeoutMs: timeoutMs(request.timeout) })),
    ),
    powerUpHostFromStandBy: answering((request) => requests.answer("PowerUpHostFromStandBy", request, () => modes.powerUpFromStandBy(request.host))),
    setHostConnection: answering((request) =>
      requests.answer("SetHostConnection", request, () => admin.setConnection(request.host, request.connected, request.address)),
    ),
    getInventory: answering(() => inSlices(wholeInventory(inventory, holds))),
    listHosts: answering((request) => {
      const { items, nextPageToken } = hostPages.page(request, () => listedHosts(inventory));
      return { hosts: [...items], nextPageToken };
    }),
    watchInventory: (request, stream, call) => sendFeed(inventory.feed, request.resumeToken, { stream, call, monotonic, gatherMs: GATHER_MS, message: inventoryUpdate }),
  });
}

/** The longest timeout, 100 years: its end is a moment that a Timestamp can tell. */
const MAX_TIMEOUT_S = 3_155_760_000n;

function timeoutMs(duration: Duration | undefined): number {
  if (duration === undefined) return 0;
  if (duration.seconds > MAX_TIMEOUT_S) throw VimFault.invalidArgument("timeout", `must be at most ${MAX_TIMEOUT_S} s, is ${duration.seconds} s`);
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

type FeedObject = NonNullable<InventoryUpdate["object"]>;

function inventoryUpdate(update: FeedUpdate<FeedObject>): InventoryUpdate {
  const base = { kind: KINDS[update.kind], resumeToken: update.token };
  if ("object" in update) return { ...base, object: update.object };
  return { ...base, object: "key" in update ? departed(update.key) : undefined };
}

/** An object that is gone: its ref alone. The moid's prefix says what it was. */
function departed(moid: string): FeedObject {
  const ref = (type: MoType): { ref: ReturnType<typeof moref> } => ({ ref: moref(type, moid) });
  if (moid.startsWith("vm-")) return { $case: "virtualMachine", value: VirtualMachine.create(ref("VirtualMachine")) };
  if (moid.startsWith("host-")) return { $case: "host", value: Host.create(ref("HostSystem")) };
  if (moid.startsWith("resgroup-")) return { $case: "resourcePool", value: ResourcePool.create(ref("ResourcePool")) };
  if (moid.startsWith("domain-")) return { $case: "cluster", value: Cluster.create(ref("ClusterComputeResource")) };
  return { $case: "datacenter", value: Datacenter.create(ref("Datacenter")) };
}
