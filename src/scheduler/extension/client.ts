import type { Clock } from "../../base/clock.js";
import { secretUuid } from "../../base/ids.js";
import type { Logger } from "../../base/log.js";
import { RpcError } from "../../base/rpc-error.js";
import type { Dice } from "../../base/seeded-random.js";
import type { InventoryUpdate } from "../../gen/spheresim/vcenter/v1/inventory.js";
import { InventoryServiceClient } from "../../gen/spheresim/vcenter/v1/inventory_service.js";
import { PlaceVmsRequest, VerdictDetail } from "../../gen/spheresim/vcenter/v1/placement.js";
import { PlacementServiceClient } from "../../gen/spheresim/vcenter/v1/placement_service.js";
import { VirtualMachineServiceClient } from "../../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { Channel } from "../../rpc/channel.js";
import { type FollowedStream, followStream } from "../../rpc/followed-stream.js";
import { traceIdOfPod } from "../../rpc/traceparent.js";
import { isVmGone } from "./errors.js";
import type { Vcenter } from "./vcenter.js";

const CALL_DEADLINE_MS = 10_000;
const PAGE_SIZE = 1000;
/** Hosts of one vCenter: 64,000 are beyond any cluster. */
const MAX_PAGES = 64;

/** vCenter as the scheduler extension calls it. */
export function vcenterClient(channel: Channel, dice: Dice): Vcenter {
  const placement = channel.client(PlacementServiceClient);
  const inventory = channel.client(InventoryServiceClient);
  const vms = channel.client(VirtualMachineServiceClient);
  const deadline = { deadlineMs: CALL_DEADLINE_MS };
  return {
    sizePod: (request) => placement.sizePod(request, deadline),
    async placeVms(specs) {
      // Asked again it is asked anew: hosts fill up meanwhile. The owner keeps a second hold from being taken.
      const request = PlaceVmsRequest.create({ specs: [...specs], verdictDetail: VerdictDetail.FULL });
      return (await placement.placeVms(request, deadline)).results;
    },
    apply: ({ key, ownerUid, spec }) =>
      placement.applyRecommendation({ requestId: secretUuid(), key, ownerUid, spec }, { ...deadline, trace: { traceId: traceIdOfPod(ownerUid), spanId: dice.hex(16) } }),
    async cancel(ownerUid) {
      await placement.cancelRecommendation({ requestId: "", key: "", ownerUid }, deadline);
    },
    async destroyVmOf(ownerUid) {
      try {
        return await vms.destroyVm({ requestId: secretUuid(), target: { $case: "ownerUid", value: ownerUid }, powerOff: true, uuid: "" }, deadline);
      } catch (error) {
        if (RpcError.is(error) && isVmGone(error)) return undefined;
        throw error;
      }
    },
    async hosts() {
      const names = new Map<string, string>();
      let pageToken = "";
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const answer = await inventory.listHosts({ pageSize: PAGE_SIZE, pageToken }, deadline);
        for (const host of answer.hosts) if (host.ref !== undefined && host.spec !== undefined) names.set(host.ref.value, host.spec.name);
        pageToken = answer.nextPageToken;
        if (pageToken === "") break;
      }
      return names;
    },
    async instanceUuid() {
      return (await inventory.getAbout({}, deadline)).instanceUuid;
    },
  };
}

/** Who hears of the inventory. */
export interface InventoryListener {
  changed(update: InventoryUpdate): void;
  restarted(): void;
}

/** One stream of the inventory, followed likewise. */
export function followInventory(channel: Channel, listener: InventoryListener, around: { readonly clock: Clock; readonly dice: Dice; readonly log: Logger }): FollowedStream {
  const client = channel.client(InventoryServiceClient);
  return followStream({
    name: "inventory",
    open: (resumeToken, signal) => client.watchInventory({ resumeToken }, { signal }),
    onChange: (update) => listener.changed(update),
    onRestart: () => listener.restarted(),
    ...around,
  });
}
