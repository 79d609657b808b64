import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import type { Dice } from "../../src/base/seeded-random.js";
import { AddRuleRequest } from "../../src/gen/spheresim/vcenter/v1/rule.js";
import type { ManagedObjectReference } from "../../src/gen/spheresim/vim/v1/managed_object.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { hostKey, type World } from "./world.js";

/** So many VMs that are off, one after the other on each of these hosts; a rule keeps the first three apart. */
export async function vmsThatAreOff(world: World, count: number, hosts: number): Promise<readonly ManagedObjectReference[]> {
  const vms: ManagedObjectReference[] = [];
  for (let made = 0; made < count; made += 1) {
    const config = VirtualMachineConfigSpec.fromPartial({ name: `vm-${made}`, numCpus: 2, memoryMb: 512, cpuAllocation: { reservation: 1_000 } });
    const { result } = await world.ended(await world.machines.createVm({ requestId: "", config, host: hostKey(1 + (made % hosts)), pool: undefined, powerOn: false }));
    vms.push(result ?? assert.fail());
  }
  await world.rules.addRule(AddRuleRequest.fromPartial({ rule: { name: "apart", rule: { $case: "antiAffinity", value: { vms: apartOf(vms) } } } }));
  return vms;
}

/** Those of them that are kept apart. */
export function apartOf<T>(vms: readonly T[]): T[] {
  return vms.slice(0, 3);
}

/** From now on etcd and hosts take their time by chance, and one call of a host in twenty fails. */
export function unsettle(world: World, chance: Dice): void {
  const linger = async (most: number): Promise<void> => {
    for (let turn = chance.int(most); turn > 0; turn -= 1) await nextTurn();
  };
  world.kv.before = () => linger(4);
  world.esxi.before = async (method) => {
    await linger(6);
    if (method !== "getHost" && chance.int(20) === 0) throw new RpcError(RpcCode.UNAVAILABLE, "by chance");
  };
}
