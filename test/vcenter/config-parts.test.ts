import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "../../src/base/seeded-random.js";
import { type VirtualDevice, VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { Alike } from "../../src/vcenter/inventory/alike.js";
import { sharingParts } from "../../src/vcenter/machines/config-parts.js";
import { completeVmConfig, identify } from "../../src/vcenter/machines/vm-config.js";

const DEVICES: VirtualDevice[] = [
  { key: 1, backing: { $case: "disk", value: { controller: "pvscsi", capacityKb: 1024n, datastore: "vsan", uuid: "" } } },
  { key: 2, backing: { $case: "ethernetCard", value: { cardType: "vmxnet3", network: "workload", macAddress: "" } } },
];

function podConfig(name: string, reservation = 500): VirtualMachineConfigSpec {
  return VirtualMachineConfigSpec.fromPartial({
    name,
    guestId: "crxPod1Guest",
    numCpus: 2,
    memoryMb: 4096,
    cpuAllocation: { reservation },
    devices: structuredClone(DEVICES),
  });
}

test("of two pods of a deployment the card, the reservations and the shares are one; names, uuids and disks are two", () => {
  const made = ["a", "b"].map((name, index) => identify(completeVmConfig(podConfig(name), "config"), `vm-${index}`, new Dice(1), "vsan"));
  const [a, b] = [made[0] ?? assert.fail(), made[1] ?? assert.fail()];
  assert.equal(a.devices[1], b.devices[1]);
  assert.equal(a.cpuAllocation, b.cpuAllocation);
  assert.equal(a.memoryAllocation, b.memoryAllocation);
  assert.equal(a.extraConfig, b.extraConfig);
  assert.notEqual(a.devices[0], b.devices[0]);
  assert.notDeepEqual(a.devices[0], b.devices[0]);
  assert.notEqual(a.uuid, b.uuid);
});

test("what is shared is equal to what it stands for, whatever differs", () => {
  const card = (macAddress: string, network: string, key = 2) => ({ key, backing: { $case: "ethernetCard" as const, value: { cardType: "vmxnet3", macAddress, network } } });
  const configs = [
    podConfig("a"),
    podConfig("b", 501),
    { ...podConfig("c"), cpuAllocation: undefined, memoryAllocation: { reservation: 0, limit: undefined, expandableReservation: undefined, shares: undefined } },
    { ...podConfig("d"), memoryAllocation: { reservation: undefined, limit: -1, expandableReservation: false, shares: { level: 2, shares: 7 } } },
    { ...podConfig("e"), devices: [card("00:50:56:00:00:01", "workload"), card("", "other"), card("", "workload", 3), { key: 9, backing: { $case: "other" as const, value: "tpm" } }, { key: 10, backing: undefined }] },
    { ...podConfig("f"), devices: [], extraConfig: { a: "b" } },
  ];
  for (const config of configs) {
    const plain = structuredClone(config);
    assert.deepEqual(sharingParts(config), plain);
  }
});

test("values under a key are one, up to a limit, the oldest going first; one with a long key stays by itself", () => {
  const alike = new Alike<{ readonly n: number }>(2);
  const [a, b] = [{ n: 1 }, { n: 1 }];
  assert.equal(alike.one("1", a), a);
  assert.equal(alike.one("1", b), a);
  alike.one("2", { n: 2 });
  alike.one("3", { n: 3 });
  assert.equal(alike.one("1", b), b);
  const long = "x".repeat(257);
  assert.equal(alike.one(long, a), a);
  assert.equal(alike.one(long, b), b);
});
