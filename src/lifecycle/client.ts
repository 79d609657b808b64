import { secretUuid } from "../base/ids.js";
import type { Dice } from "../base/seeded-random.js";
import { SphereletServiceClient } from "../gen/spheresim/spherelet/v1/spherelet_service.js";
import { ConfigurePodRequest } from "../gen/spheresim/spherelet/v1/pod.js";
import type { VirtualMachine } from "../gen/spheresim/vcenter/v1/inventory.js";
import type { DestroyVmRequest } from "../gen/spheresim/vcenter/v1/virtual_machine.js";
import { VirtualMachineServiceClient } from "../gen/spheresim/vcenter/v1/virtual_machine_service.js";
import type { TaskInfo } from "../gen/spheresim/vim/v1/task.js";
import type { Channel } from "../rpc/channel.js";
import { traceIdOfPod } from "../rpc/traceparent.js";
import { isVmGone, isVmOff } from "./errors.js";
import type { Spherelets, VsphereVms } from "./vsphere.js";

const CALL_DEADLINE_MS = 10_000;
const PAGE_SIZE = 1000;
/** VMs read in one sweep; what lies beyond waits for the next one. */
const MAX_PAGES = 100;

/** vCenter as the lifecycle controller calls it. */
export function vcenterVms(channel: Channel): VsphereVms {
  const client = channel.client(VirtualMachineServiceClient);
  const destroy = async (target: DestroyVmRequest["target"], uuid: string): Promise<TaskInfo | undefined> => {
    try {
      return await client.destroyVm({ requestId: secretUuid(), target, powerOff: true, uuid }, { deadlineMs: CALL_DEADLINE_MS });
    } catch (error) {
      if (isVmGone(error)) return undefined;
      throw error;
    }
  };
  return {
    destroyVmOf: (ownerUid) => destroy({ $case: "ownerUid", value: ownerUid }, ""),
    destroyVm: (vm) => (vm.ref === undefined ? Promise.resolve(undefined) : destroy({ $case: "vm", value: vm.ref }, vm.config?.uuid ?? "")),
    async powerOffVmOf(ownerUid) {
      try {
        const { ref } = await client.getVm({ target: { $case: "ownerUid", value: ownerUid } }, { deadlineMs: CALL_DEADLINE_MS });
        await client.powerOffVm({ requestId: secretUuid(), vm: ref }, { deadlineMs: CALL_DEADLINE_MS });
        return false;
      } catch (error) {
        if (isVmGone(error) || isVmOff(error)) return true;
        throw error;
      }
    },
    async ownedVms() {
      const found: VirtualMachine[] = [];
      let pageToken = "";
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const answer = await client.listVms({ pageSize: PAGE_SIZE, pageToken, onlyOwned: true }, { deadlineMs: CALL_DEADLINE_MS });
        found.push(...answer.virtualMachines);
        pageToken = answer.nextPageToken;
        if (pageToken === "") break;
      }
      return found;
    },
  };
}

/** The Spherelets of all hosts behind one address; each call names its host by `:authority`. */
export function spherelets(channel: Channel, dice: Dice): Spherelets {
  const client = channel.client(SphereletServiceClient);
  return {
    async configurePod(host, wish) {
      await client.configurePod(ConfigurePodRequest.create(wish), {
        authority: host,
        deadlineMs: CALL_DEADLINE_MS,
        trace: { traceId: traceIdOfPod(wish.podUid), spanId: dice.hex(16) },
      });
    },
  };
}
